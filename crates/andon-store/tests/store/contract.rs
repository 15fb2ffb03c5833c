//! The contracts of the journal, the registry and the door's memory on both databases.

mod sqlite {
    use crate::common::Sqlite;

    andon_testkit::journal_contract!(Sqlite);
    andon_testkit::registry_contract!(Sqlite);
    andon_testkit::door_memory_contract!(Sqlite);
}

mod postgres {
    use crate::common::Postgres;

    andon_testkit::journal_contract!(Postgres);
    andon_testkit::registry_contract!(Postgres);
    andon_testkit::door_memory_contract!(Postgres);
}
