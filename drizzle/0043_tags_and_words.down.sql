-- They stay until their tables go.
select 1;
