//! Which parts of an archive to fetch: plain data, made without asking anybody.

use std::collections::BTreeSet;
use std::ops::Range;

use igos_format::archive::{Head, Place};
use igos_format::{EntryKind, Sha256};

/// Longest gap between two ranges that is fetched for the sake of one request less, in bytes: about what a line of
/// 40 Mbit/s carries while a request goes to the other side of the world and back.
const GAP_MAX_BYTES: u64 = 1024 * 1024;

/// How much the gaps of an archive may add to what is needed of it: one part in this many.
const GAPS_PART: u64 = 20;

/// Whose needed parts are at least nine tenths of it, an archive is fetched whole: it can be used again then.
const WHOLE_PART: (u64, u64) = (9, 10);

/// What is needed of an archive, and what to fetch for it.
#[derive(Debug)]
pub(super) struct FramePlan {
    /// Frames that hold contents which are not on disk, in order.
    pub(super) frames: Vec<usize>,
    /// What to ask the server for, as positions in the archive, in order.
    pub(super) ranges: Vec<Range<u64>>,
    /// Whether the whole archive is hardly more.
    pub(super) is_nearly_all: bool,
}

impl FramePlan {
    /// Plans for these frames, of which those in `there` were fetched before.
    pub(super) fn new(
        head: &Head,
        archive_bytes: u64,
        frames: Vec<usize>,
        there: &BTreeSet<usize>,
    ) -> Self {
        let missing = frames.iter().filter(|frame| !there.contains(frame));
        let missing: Vec<Range<u64>> = missing.map(|frame| range_of(head, *frame)).collect();
        let needed_bytes = missing.iter().map(length).sum::<u64>();
        let (part, whole) = WHOLE_PART;
        FramePlan {
            is_nearly_all: there.is_empty()
                && needed_bytes.saturating_mul(whole) >= archive_bytes.saturating_mul(part),
            ranges: merge(missing, needed_bytes / GAPS_PART),
            frames,
        }
    }

    /// Returns how many bytes the ranges have, with the gaps in them.
    pub(super) fn range_bytes(&self) -> u64 {
        self.ranges.iter().map(length).sum()
    }
}

fn length(range: &Range<u64>) -> u64 {
    range.end - range.start
}

/// Returns where a frame is in the archive.
pub(super) fn range_of(head: &Head, frame: usize) -> Range<u64> {
    let row = &head.frames().frames[frame];
    let start = head.length().saturating_add(row.offset);
    start..start.saturating_add(row.compressed)
}

/// Returns the frames that hold a content which is not on disk.
pub(super) fn needed(head: &Head, is_on_disk: &dyn Fn(&Sha256) -> bool) -> Vec<usize> {
    let entries = &head.manifest().entries;
    let is_needed = |entry: usize| match (&entries[entry].kind, head.place(entry)) {
        (EntryKind::File { sha256, size, .. }, Place::Here) => *size > 0 && !is_on_disk(sha256),
        _ => false,
    };
    (0..head.frames().frames.len())
        .filter(|frame| head.entries_of(*frame).any(is_needed))
        .collect()
}

/// Joins ranges that follow one another, and then those with the smallest gaps between them for as long as all gaps
/// together stay within `budget`.
fn merge(ranges: Vec<Range<u64>>, budget: u64) -> Vec<Range<u64>> {
    let gaps = ranges.windows(2).map(|pair| pair[1].start - pair[0].end);
    let mut gaps: Vec<(u64, usize)> = gaps.zip(1..).collect();
    gaps.sort_unstable();
    let mut left = budget;
    let mut joined = BTreeSet::new();
    for (gap, index) in gaps {
        if gap > left || gap > GAP_MAX_BYTES {
            break;
        }
        left -= gap;
        joined.insert(index);
    }
    let mut merged: Vec<Range<u64>> = Vec::new();
    for (index, range) in ranges.into_iter().enumerate() {
        match merged.last_mut() {
            Some(last) if joined.contains(&index) => last.end = range.end,
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, proptest};

    use super::{GAP_MAX_BYTES, length, merge};

    proptest! {
        #[test]
        fn merged_ranges_hold_all_that_is_needed_and_no_more_than_the_budget(
            steps in prop::collection::vec((0..2 * GAP_MAX_BYTES, 1..1000_u64), 0..40),
            budget in 0..4 * GAP_MAX_BYTES,
        ) {
            let mut at = 0;
            let ranges: Vec<_> = steps
                .iter()
                .map(|(gap, length)| {
                    let start = at + gap;
                    at = start + length;
                    start..at
                })
                .collect();
            let merged = merge(ranges.clone(), budget);
            for range in &ranges {
                let holds = |merged: &&std::ops::Range<u64>| {
                    merged.start <= range.start && range.end <= merged.end
                };
                assert_eq!(merged.iter().filter(holds).count(), 1, "{range:?}");
            }
            assert!(merged.windows(2).all(|pair| pair[0].end < pair[1].start));
            let needed: u64 = ranges.iter().map(length).sum();
            assert!(merged.iter().map(length).sum::<u64>() <= needed + budget);
        }
    }

    #[test]
    fn neighbours_are_always_one_range() {
        assert_eq!(merge(vec![0..10, 10..20, 30..40], 0), [0..20, 30..40]);
        assert_eq!(merge(Vec::new(), 100), [0..0; 0]);
    }

    #[test]
    fn smallest_gaps_are_bridged_within_the_budget() {
        let ranges = vec![0..100, 130..200, 210..300, 340..400];
        assert_eq!(merge(ranges.clone(), 9), ranges);
        assert_eq!(merge(ranges.clone(), 10), [0..100, 130..300, 340..400]);
        assert_eq!(merge(ranges.clone(), 69), [0..300, 340..400]);
        assert_eq!(merge(ranges, 80).first(), Some(&(0..400)));
    }

    #[test]
    fn long_gaps_are_never_bridged() {
        let far = 2 * 1024 * 1024;
        assert_eq!(
            merge(vec![0..1, far..far + 1], u64::MAX),
            [0..1, far..far + 1]
        );
    }
}
