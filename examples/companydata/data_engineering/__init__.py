"""The database ``companydata`` and the ETL that fills it, run by the administrator and by ``de_user``."""
