//! The journal's contract on both databases.

mod sqlite {
    use crate::common::Sqlite;

    andon_testkit::journal_contract!(Sqlite);
}

mod postgres {
    use crate::common::Postgres;

    andon_testkit::journal_contract!(Postgres);
}
