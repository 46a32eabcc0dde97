"""What Prefect runs and shows. No arithmetic on pixels happens here."""
