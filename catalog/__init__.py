"""What both apps share: models, schemas, queries, problems, settings, fixtures, migrations, templates."""
