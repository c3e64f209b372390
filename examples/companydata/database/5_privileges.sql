-- Who may do what with the tables: what is not granted here is forbidden. Run by an administrator in companydata, as
-- often as you like, in one transaction with 3_schema.sql.
SET ROLE de_user;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, ds_user, analyst, app_user CASCADE;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM PUBLIC, ds_user, analyst, app_user CASCADE;

-- Data scientists read every table, also one that de_user makes later.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO ds_user;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO ds_user;

-- Analysts read and write rows of the business. What the ETL and the shipping keep for themselves is not theirs: a
-- watermark that somebody moves stops the ETL.
GRANT SELECT, INSERT, UPDATE, DELETE
    ON public.customers, public.sales, public.feature_store, public.labels, public.predictions TO analyst;
GRANT SELECT ON public.predictions_labels TO analyst;

-- The application reads labels and adds predictions, and can neither change nor read back what it added. Only how far
-- the log was shipped it reads and moves on.
GRANT SELECT ON public.labels TO app_user;
GRANT INSERT ON public.predictions, public.predictions_labels TO app_user;
GRANT SELECT, INSERT, UPDATE ON public.predictions_shipped TO app_user;

RESET ROLE;
