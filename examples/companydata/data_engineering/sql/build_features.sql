-- Features from sales before the cut-off date, the target from the days that begin with it. A row that would come out
-- the same is not written again. Readers are never locked out, and see the old table or the new one.
WITH bounds AS (
    SELECT %(cut_off)s::date AS cut_off, %(cut_off)s::date + %(label_days)s::integer AS label_end
),
history AS (
    SELECT customer_id, max(sold_on) AS last_on, count(*) AS frequency, sum(amount) AS monetary
    FROM public.sales, bounds WHERE sold_on < cut_off GROUP BY customer_id
),
later AS (
    SELECT DISTINCT customer_id FROM public.sales, bounds WHERE sold_on >= cut_off AND sold_on < label_end
)
INSERT INTO public.feature_store AS kept
    (customer_id, cut_off, recency_days, frequency, monetary, tenure_days, bought)
SELECT
    customer_id, cut_off, cut_off - last_on, coalesce(frequency, 0), coalesce(monetary, 0), cut_off - joined_on,
    CASE WHEN later.customer_id IS NULL THEN 0 ELSE 1 END
FROM public.customers CROSS JOIN bounds
    LEFT JOIN history USING (customer_id)
    LEFT JOIN later USING (customer_id)
WHERE joined_on < cut_off
ON CONFLICT (customer_id) DO UPDATE SET
    cut_off = excluded.cut_off, recency_days = excluded.recency_days, frequency = excluded.frequency,
    monetary = excluded.monetary, tenure_days = excluded.tenure_days, bought = excluded.bought
WHERE (kept.cut_off, kept.recency_days, kept.frequency, kept.monetary, kept.tenure_days, kept.bought)
    IS DISTINCT FROM (
        excluded.cut_off, excluded.recency_days, excluded.frequency, excluded.monetary, excluded.tenure_days,
        excluded.bought
    );
