//! Asking a source for what is new (TUF 1.0, 5.1 to 5.6).

use igos_format::trust::{Timestamp, TopRole};

use super::complete::{Shelf, complete};
use super::judge::{self, Rules, UNSIGNED_SIZE_MAX};
use super::line::{Line, NEWEST};
use super::root::follow;
use super::{Clock, MetadataSource, RefreshError, Standing, Trusted, TrustedRepository, WentBack};

/// How long an unchanged timestamp is taken as the sign that the root is unchanged too, in seconds.
///
/// Whoever publishes a root publishes a timestamp after it, so a source that is honest has both or neither. One that
/// is not could hide a root anyway, until the timestamp expires.
const PROBE_INTERVAL_SECONDS: i64 = 24 * 60 * 60;

const TIMESTAMP_FILE: &str = "timestamp.json";

/// Whether what is older than the known may take its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rollback {
    /// No.
    Refuse,
    /// Yes: those who run the repository went back, and a person said so. Roots never go back.
    Allow,
}

/// Whether what has expired may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// No.
    Refuse,
    /// Yes, a person said so. What was taken still says that it has expired.
    Accept,
}

/// How to ask.
#[derive(Debug, Clone, Copy)]
pub struct RefreshOptions {
    /// What time it is; the same for the whole call.
    pub clock: Clock,
    /// Whether versions may go back.
    pub rollback: Rollback,
    /// Whether expired metadata will do.
    pub expiry: Expiry,
}

/// What came of asking.
#[derive(Debug)]
#[must_use]
pub enum Refresh {
    /// What is in use is the newest.
    Unchanged,
    /// There is something newer.
    Newer(Box<Update>),
}

/// A newer set, verified and not in use yet: first its index files are fetched.
#[derive(Debug)]
pub struct Update {
    pub(super) trusted: Trusted,
    pub(super) timestamp_bytes: Vec<u8>,
    went_back: Vec<WentBack>,
}

impl Update {
    /// Returns the newer set.
    #[must_use]
    pub fn trusted(&self) -> &Trusted {
        &self.trusted
    }

    /// Returns the versions that went back, which only [`Rollback::Allow`] lets them: for the log.
    #[must_use]
    pub fn went_back(&self) -> &[WentBack] {
        &self.went_back
    }
}

impl TrustedRepository {
    /// Asks a source for what is new. Nothing that is in use changes, whatever comes of it.
    ///
    /// If nothing is new this is one request, of the timestamp; at least once in 24 hours the next root is asked for
    /// as well.
    ///
    /// # Errors
    ///
    /// Returns why what the source says is not taken. What was verified before the error is kept, so that it need not
    /// be fetched again and the same source or another cannot go behind it.
    pub fn refresh(
        &mut self,
        source: &dyn MetadataSource,
        options: &RefreshOptions,
    ) -> Result<Refresh, RefreshError> {
        self.keep_anchor()?;
        let mut offered = judge::fetch(source, TIMESTAMP_FILE, UNSIGNED_SIZE_MAX)?;
        if self.is_in_use(&offered, options)? {
            return Ok(Refresh::Unchanged);
        }
        if self.follow_roots(source, options)? {
            // It may have been fetched just before the keys changed.
            offered = judge::fetch(source, TIMESTAMP_FILE, UNSIGNED_SIZE_MAX)?;
        }
        // With keys that were replaced goes what they said of the time.
        let mut rules = Rules {
            now: options.clock.time(self.created()),
            expiry: options.expiry,
            rollback: options.rollback,
            went_back: Vec::new(),
        };
        rules.test_fresh("root.json", &self.root)?;
        let (timestamp, timestamp_bytes) = self.take_timestamp(offered, &mut rules)?;
        let shelf = Shelf {
            store: &self.line.store,
            source: Some(source),
        };
        let previous = self.line.snapshot.as_ref();
        let trusted = complete(&self.root, timestamp, previous, shelf, Some(&mut rules))?;
        self.line.snapshot = Some(trusted.snapshot.clone());
        if self.trusted() == Some(&trusted) {
            return Ok(Refresh::Unchanged);
        }
        Ok(Refresh::Newer(Box::new(Update {
            trusted,
            timestamp_bytes,
            went_back: rules.went_back,
        })))
    }

    /// Tells whether the offered timestamp is that of the set in use, and that is enough to know.
    fn is_in_use(&self, offered: &[u8], options: &RefreshOptions) -> Result<bool, RefreshError> {
        let (Some((trusted, bytes)), Some((_, newest))) = (&self.line.adopted, &self.line.newest)
        else {
            return Ok(false);
        };
        if offered != bytes || offered != newest {
            return Ok(false);
        }
        if trusted.standing(&options.clock) != Standing::Current {
            return Ok(false);
        }
        let now = options.clock.now.seconds();
        let since = |probed: igos_format::trust::UtcTime| now.checked_sub(probed.seconds());
        let since = self.store.probed()?.and_then(since);
        Ok(since.is_some_and(|seconds| (0..PROBE_INTERVAL_SECONDS).contains(&seconds)))
    }

    /// Takes all newer roots, and returns whether there was one.
    fn follow_roots(
        &mut self,
        source: &dyn MetadataSource,
        options: &RefreshOptions,
    ) -> Result<bool, RefreshError> {
        let before = self.root.version;
        let from = self.root.clone();
        let followed = follow(&from, source, |root, bytes| {
            self.take_root(root, bytes)?;
            Ok(())
        });
        let is_newer = self.root.version != before;
        if is_newer {
            self.line = Line::load(&self.store, &self.root)?;
        }
        followed?;
        self.store.set_probed(options.clock.now)?;
        Ok(is_newer)
    }

    /// Verifies the timestamp, compares it with the newest that is known, and keeps it (5.4).
    fn take_timestamp(
        &mut self,
        offered: Vec<u8>,
        rules: &mut Rules,
    ) -> Result<(Timestamp, Vec<u8>), RefreshError> {
        let authority = self.root.authority(TopRole::Timestamp);
        let timestamp: Timestamp = judge::open(TIMESTAMP_FILE, &offered, &authority)?;
        if let Some((known, bytes)) = &self.line.newest {
            if timestamp.version == known.version {
                // Nothing new: the known one stays, whatever else this one says (5.4.3).
                rules.test_fresh(TIMESTAMP_FILE, known)?;
                return Ok((known.clone(), bytes.clone()));
            }
            rules.test_version(TIMESTAMP_FILE, known.version, timestamp.version)?;
            let snapshots = (known.snapshot.version, timestamp.snapshot.version);
            rules.test_version("snapshot.json", snapshots.0, snapshots.1)?;
        }
        rules.now = timestamp
            .created
            .map_or(rules.now, |created| rules.now.max(created));
        rules.test_fresh(TIMESTAMP_FILE, &timestamp)?;
        self.line.store.write(NEWEST, &offered)?;
        self.line.newest = Some((timestamp.clone(), offered.clone()));
        Ok((timestamp, offered))
    }
}
