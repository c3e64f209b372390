-- Rows of a load, before they are known to be new. The tables end with the transaction.
CREATE TEMPORARY TABLE staged_customers (LIKE public.customers) ON COMMIT DROP;
CREATE TEMPORARY TABLE staged_sales (LIKE public.sales) ON COMMIT DROP;
