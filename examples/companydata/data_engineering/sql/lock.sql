-- One load or build at a time: a second one waits. Only a role that may write the table can hold this lock.
LOCK TABLE public.etl_watermarks IN SHARE ROW EXCLUSIVE MODE;
