-- Who may do what with the tables: what is not granted here is forbidden. Run by an administrator in companydata, as
-- often as you like; in a transaction, so that no reader meets the moment between REVOKE and GRANT.
BEGIN;
SET LOCAL ROLE de_user;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, ds_user, analyst, app_user;

-- Data scientists read every table, also one that de_user makes later. Analysts read and write rows.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO ds_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO analyst;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO ds_user;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO analyst;

-- The application reads labels and adds predictions, and can neither change nor read back what it added. Only how far
-- the log was shipped it reads and moves on.
GRANT SELECT ON public.labels TO app_user;
GRANT INSERT ON public.predictions, public.predictions_labels TO app_user;
GRANT SELECT, INSERT, UPDATE ON public.predictions_shipped TO app_user;

COMMIT;
