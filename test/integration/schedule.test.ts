// One file, so that they run one after the other: the schedule does what is due for everybody in its database.
import "./schedule/deleted-tasks.ts";
import "./schedule/history.ts";
import "./schedule/lapses.ts";
import "./schedule/runs.ts";
