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
        "author",
        sa.Column("id", GUID(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "sort_key", sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("born", sa.Integer(), nullable=True),
        sa.Column("died", sa.Integer(), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("biography", sa.Text(), nullable=True),
        sa.Column("sa_orm_sentinel", sa.Integer(), nullable=True),
        sa.Column("created_at", DateTimeUTC(timezone=True), nullable=False),
        sa.Column("updated_at", DateTimeUTC(timezone=True), nullable=False),
        sa.CheckConstraint("died >= born", name=op.f("ck_author_lifetime")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_author")),
        sa.UniqueConstraint("name", name=op.f("uq_author_name")),
    )
    op.create_index("ix_author_born", "author", ["born", "id"])
    op.create_index("ix_author_created_at", "author", ["created_at", "id"])
    op.create_index("ix_author_sort_key", "author", ["sort_key", "id"])
    op.create_table(
        "tag",
        sa.Column("id", GUID(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column(
            "sort_key", sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("sa_orm_sentinel", sa.Integer(), nullable=True),
        sa.Column("created_at", DateTimeUTC(timezone=True), nullable=False),
        sa.Column("updated_at", DateTimeUTC(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("name", name=op.f("uq_tag_name")),
    )
    op.create_index("ix_tag_created_at", "tag", ["created_at", "id"])
    op.create_index("ix_tag_sort_key", "tag", ["sort_key", "id"])
    op.create_table(
        "book",
        sa.Column("id", GUID(), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column(
            "sort_key", sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("author_id", GUID(), nullable=False),
        sa.Column("published", sa.Integer(), nullable=True),
        sa.Column("language", sa.String(length=3), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("isbn", sa.String(length=13), nullable=True),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("sa_orm_sentinel", sa.Integer(), nullable=True),
        sa.Column("created_at", DateTimeUTC(timezone=True), nullable=False),
        sa.Column("updated_at", DateTimeUTC(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["author.id"], name=op.f("fk_book_author_id_author"), initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book")),
        sa.UniqueConstraint("author_id", "title", name=op.f("uq_book_author_id")),
        sa.UniqueConstraint("isbn", name=op.f("uq_book_isbn")),
    )
    op.create_index("ix_book_created_at", "book", ["created_at", "id"])
    op.create_index("ix_book_pages", "book", ["pages", "id"])
    op.create_index("ix_book_published", "book", ["published", "id"])
    op.create_index("ix_book_sort_key", "book", ["sort_key", "id"])
    op.create_table(
        "book_tag",
        sa.Column("book_id", GUID(), nullable=False),
        sa.Column("tag_id", GUID(), nullable=False),
        sa.ForeignKeyConstraint(["book_id"], ["book.id"], name=op.f("fk_book_tag_book_id_book"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_book_tag_tag_id_tag"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("book_id", "tag_id", name=op.f("pk_book_tag")),
    )
    op.create_index("ix_book_tag_tag_id", "book_tag", ["tag_id"])


def downgrade() -> None:
    op.drop_index("ix_book_tag_tag_id", "book_tag")
    op.drop_table("book_tag")
    op.drop_index("ix_book_sort_key", "book")
    op.drop_index("ix_book_published", "book")
    op.drop_index("ix_book_pages", "book")
    op.drop_index("ix_book_created_at", "book")
    op.drop_table("book")
    op.drop_index("ix_tag_sort_key", "tag")
    op.drop_index("ix_tag_created_at", "tag")
    op.drop_table("tag")
    op.drop_index("ix_author_sort_key", "author")
    op.drop_index("ix_author_created_at", "author")
    op.drop_index("ix_author_born", "author")
    op.drop_table("author")
