drop function require_task_versions(jsonb);
