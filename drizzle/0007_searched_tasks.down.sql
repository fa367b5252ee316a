-- What the tasks were given goes with its columns.
select;
