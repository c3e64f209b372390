-- The last day whose sales are complete: that of the watermark, or of the source that is furthest behind. A single sale
-- with a later date, such as a typing error in the year, does not move it. Without a watermark, the last sale up to today.
SELECT coalesce(
    (SELECT min(sold_on) FROM public.etl_watermarks),
    (SELECT max(sold_on) FROM public.sales WHERE sold_on <= current_date)
)
WHERE EXISTS (SELECT FROM public.sales);
