//! The journal's contract on both databases.

mod common;

mod sqlite {
    use super::common::Sqlite;

    andon_testkit::journal_contract!(Sqlite);
}

mod postgres {
    use super::common::Postgres;

    andon_testkit::journal_contract!(Postgres);
}
