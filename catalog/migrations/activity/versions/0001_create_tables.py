"""Create the tables."""

import sqlalchemy as sa
from advanced_alchemy.types import GUID, DateTimeUTC
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "activity",
        sa.Column("id", GUID(), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject_id", GUID(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("sa_orm_sentinel", sa.Integer(), nullable=True),
        sa.Column("created_at", DateTimeUTC(timezone=True), nullable=False),
        sa.Column("updated_at", DateTimeUTC(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
    )
    op.create_index("ix_activity_action", "activity", ["action", "id"])
    op.create_index("ix_activity_created_at", "activity", ["created_at", "id"])
    op.create_index("ix_activity_kind", "activity", ["kind", "id"])
    op.create_index("ix_activity_subject_id", "activity", ["subject_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_activity_subject_id", "activity")
    op.drop_index("ix_activity_kind", "activity")
    op.drop_index("ix_activity_created_at", "activity")
    op.drop_index("ix_activity_action", "activity")
    op.drop_table("activity")
