-- +goose Up
CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL);

-- +goose Down
DROP TABLE orders;
