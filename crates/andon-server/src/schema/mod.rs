//! The shapes of bodies, for the OpenAPI description.
//!
//! Handlers send and read the types of the journal, the engine and the model themselves, which know
//! nothing of OpenAPI. The types here say the same for readers; nothing is ever built from them in the
//! product, but for those of `reporting` and `telemetry`. Tests take real values through both forms, so that the two cannot drift apart.

mod assets;
mod configuration;
mod delivery;
mod devices;
mod evidence;
mod letters;
mod operations;
mod problem;
mod reporting;
mod rule_services;
mod telemetry;
mod what_if;

pub use assets::{
    Aggregate, Aggregates, Alarm, AlarmPage, AlarmState, AlarmWish, Asset, AssetDetail, AssetLinks, AssetModel,
    AssetPage, AssetParent, AssetProperty, Evaluation, History, Point, PropertyWindow,
};
pub use configuration::{
    Applied, Change, Changes, Checked, Configuration, DeletedDocument, Difference, Document, DocumentKind,
    DocumentVersion, Effect, Revision,
};
pub use delivery::{
    Accepted, AcceptedEvent, CloudEvent, FrameworkData, FrameworkEvent, RawBytes, Signature, Source, SourceAuth,
};
pub use devices::{
    Authority, Certificate, Device, DeviceChange, DevicePage, EnrolledDevice, Import, ImportLine, OauthClient,
    OnboardAnswer, OnboardCredential, OnboardFault, RefreshTerms, RefreshTokenAnswer, RefreshTokenFacts,
    RefreshTokenPage, RevokeRequest, Rotation, RuleStored, TokenAnswer, TokenForm, TokenKey, TokenRefusal,
    WantedAuthority, WantedClient, WantedDevice, WantedRefreshToken,
};
pub use evidence::{
    AttachmentInfo, Decision, DocumentRef, DryRun, DryRunAction, DryRunStep, EpisodeHolder, EpisodeKey, EpisodeRow,
    EventRow, OpenEpisode, Page, QuarantineRow, QuarantineStatus, Release, RowHit, RunDetail, RunEpisode, RunRow,
    RunStatus, TableVersion, TimelineEntry,
};
pub use letters::{KnownLetter, Letter, LetterPage, MailTest, WantedLetter};
pub use operations::{
    Counts, CreatedToken, Destination, EngineStatus, Role, SecretName, SecretValue, StatusAnswer, TestLine, Token,
    WantedToken,
};
pub use problem::{Finding, Problem, ProblemAnswer, QuarantinedPart, Severity};
pub use reporting::{
    DeviceReadings, Door, DoorState, Publication, Published, Reading, ReadingLogStatus, ReadingPage, Session,
};
pub use rule_services::{RuleAnswer, RuleError, RuleErrorDetail, RuleQuestion};
pub use telemetry::{
    ChartKind, ConservationPage, DeviceConservation, KeptReadings, Lake, LakeTable, LakeUpkeep, NewReading,
    ParameterType, PropertyBatch, PropertyBatchAnswer, PropertyEntry, PropertyError, PropertyErrorEntry, QueryData,
    QueryParameter, SavedQuery, SqlColumn, SqlRequest, SqlRows, TableUpkeep, TimeInNanos,
};
pub use what_if::{Against, Changed, EventDifference, Part, PartKind, WhatIf, WhatIfPage};

#[cfg(test)]
mod tests;
