-- +goose Up
CREATE TABLE notes (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id), text TEXT NOT NULL);

-- +goose Down
DROP TABLE notes;
