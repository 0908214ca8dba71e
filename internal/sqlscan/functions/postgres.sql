-- The functions of a server that can be called in a query, with the worst
-- volatility of those that share a name. Extensions live in schema public.
select proname || ' ' || max(provolatile)
from pg_proc
where pronamespace in ('pg_catalog'::regnamespace, 'public'::regnamespace)
  and prokind <> 'p'
  and prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
group by proname
order by proname
