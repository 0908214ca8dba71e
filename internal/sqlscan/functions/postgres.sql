-- What can be called in a query of a server, with the worst volatility of the
-- functions that share a name. A type is called like a function, too: it casts.
-- Extensions live in schema public; a name that only they have is marked.
select name || ' ' || max(volatility) || case when bool_and(extension) then ' extension' else '' end
from (
  select proname as name, provolatile as volatility, pronamespace = 'public'::regnamespace as extension
  from pg_proc
  where pronamespace in ('pg_catalog'::regnamespace, 'public'::regnamespace)
    and prokind <> 'p'
    and prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
  union all
  select typname, 'i', typnamespace = 'public'::regnamespace
  from pg_type
  where typnamespace in ('pg_catalog'::regnamespace, 'public'::regnamespace)
    and typtype in ('b', 'r', 'm') and typname not like '\_%'
) callable
group by name
order by name
