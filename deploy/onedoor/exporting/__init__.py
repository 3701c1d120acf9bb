"""Event logs for analysts: histories of dossiers as OCEL 2.0 and XES."""
