//! Power cuts: which of what a disk was told is on the medium afterwards.

use super::image::Image;
use super::log::{Event, Recording};
use crate::random::Random;

/// How much of a write is on the medium or not, whatever happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sector {
    /// 512 bytes.
    Small,
    /// 4096 bytes.
    Large,
}

impl Sector {
    fn bytes(self) -> usize {
        match self {
            Sector::Small => 512,
            Sector::Large => 4096,
        }
    }
}

/// What becomes of the writes that no flush followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unflushed {
    /// None is on the medium.
    Lost,
    /// All are.
    Kept,
    /// Each is, by chance, or a part of it.
    Some {
        /// Of a hundred.
        percent: u64,
    },
}

/// One power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// How many events were before it.
    pub at: usize,
    /// What becomes of the writes that no flush followed.
    pub unflushed: Unflushed,
    /// What chance is drawn from.
    pub seed: u64,
}

/// Chooses about `count` cuts of a recording, in order of time: half of them at flushes, evenly; the others anywhere.
#[must_use]
pub fn choose(recording: &Recording, count: usize, seed: u64) -> Vec<Cut> {
    let mut random = Random::new(seed);
    let flushes: Vec<usize> = recording
        .events
        .iter()
        .enumerate()
        .filter(|(_, event)| matches!(event, Event::Flush))
        .map(|(at, _)| at)
        .collect();
    let half = count / 2;
    let mut cuts: Vec<Cut> = (0..half)
        .filter_map(|number| flushes.get(number * flushes.len() / half.max(1)))
        .enumerate()
        .map(|(number, flush)| Cut {
            // Just before the flush was done, or just after.
            at: flush + number % 2,
            unflushed: Unflushed::Lost,
            seed: random.next_number(),
        })
        .collect();
    while cuts.len() < count {
        let unflushed = match random.below(6) {
            0 => Unflushed::Kept,
            _ => Unflushed::Some {
                percent: 10 + random.below(81),
            },
        };
        cuts.push(Cut {
            at: random.below(recording.events.len() as u64 + 1) as usize,
            unflushed,
            seed: random.next_number(),
        });
    }
    cuts.sort_by_key(|cut| cut.at);
    cuts
}

/// Which operations had begun, and which of them somebody was told are done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// How many had begun.
    pub begun: usize,
    /// How many were told to be done.
    pub told: usize,
}

/// Goes through the cuts of a recording, in order of time.
#[derive(Debug)]
pub struct Replay<'a> {
    events: &'a [Event],
    sector: Sector,
    /// What is on the medium for certain.
    flushed: Image,
    /// Events before this one are flushed.
    until: usize,
}

impl<'a> Replay<'a> {
    /// Begins before the first event.
    #[must_use]
    pub fn new(recording: &'a Recording, sector: Sector) -> Self {
        Replay {
            events: &recording.events,
            sector,
            flushed: recording.base.clone(),
            until: 0,
        }
    }

    /// Returns the medium after a cut, which is not before the last one that was asked for.
    pub fn image(&mut self, cut: &Cut) -> Image {
        let before = &self.events[..cut.at];
        let flushed = before
            .iter()
            .rposition(|event| matches!(event, Event::Flush))
            .map_or(self.until, |at| at.max(self.until));
        for event in &before[self.until..flushed] {
            if let Event::Write { offset, bytes } = event {
                self.flushed.put(*offset, bytes);
            }
        }
        self.until = flushed;
        let mut image = self.flushed.clone();
        let mut random = Random::new(cut.seed);
        for event in &before[flushed..] {
            if let Event::Write { offset, bytes } = event {
                self.put_some(&mut image, *offset, bytes, cut.unflushed, &mut random);
            }
        }
        image
    }

    fn put_some(
        &self,
        image: &mut Image,
        offset: u64,
        bytes: &[u8],
        unflushed: Unflushed,
        random: &mut Random,
    ) {
        match unflushed {
            Unflushed::Lost => {}
            Unflushed::Kept => image.put(offset, bytes),
            Unflushed::Some { percent } => {
                let is_torn = random.happens(25);
                let is_kept = random.happens(percent);
                let mut at = offset;
                for sector in bytes.chunks(self.sector.bytes()) {
                    let arrives = match is_torn {
                        true => random.happens(50),
                        false => is_kept,
                    };
                    if arrives {
                        image.put(at, sector);
                    }
                    at += sector.len() as u64;
                }
            }
        }
    }

    /// Returns what had begun and been told before a cut.
    #[must_use]
    pub fn known(&self, cut: &Cut) -> Known {
        let mut known = Known::default();
        for event in &self.events[..cut.at] {
            match event {
                Event::Begun(number) => known.begun = number + 1,
                Event::Told(number) => known.told = number + 1,
                Event::Write { .. } | Event::Flush => {}
            }
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::{Cut, Known, Replay, Sector, Unflushed, choose};
    use crate::device::image::Image;
    use crate::device::log::{Event, Recorder, Recording};

    fn recording() -> Recording {
        let place = tempfile::tempdir().expect("a temporary directory");
        let file = place.path().join("image");
        fs_err::File::create(&file)
            .and_then(|file| file.set_len(16384))
            .expect("a file");
        let recorder = Recorder::new(Image::read(&file).expect("an image"));
        recorder.add(Event::Begun(0));
        recorder.write(0, &[1; 4096]);
        recorder.add(Event::Flush);
        recorder.add(Event::Told(0));
        recorder.write(0, &[2; 8192]);
        recorder.recording()
    }

    fn cut(at: usize, unflushed: Unflushed, seed: u64) -> Cut {
        Cut {
            at,
            unflushed,
            seed,
        }
    }

    #[test]
    fn what_was_flushed_is_on_the_medium_and_the_rest_as_the_cut_says() {
        let recording = recording();
        let mut replay = Replay::new(&recording, Sector::Large);
        let first = |image: &Image| image.bytes(0, 1)[0];
        assert_eq!(first(&replay.image(&cut(2, Unflushed::Lost, 0))), 0);
        assert_eq!(first(&replay.image(&cut(2, Unflushed::Kept, 0))), 1);
        assert_eq!(first(&replay.image(&cut(3, Unflushed::Lost, 0))), 1);
        assert_eq!(first(&replay.image(&cut(5, Unflushed::Lost, 0))), 1);
        let known = Known { begun: 1, told: 0 };
        assert_eq!(replay.known(&cut(3, Unflushed::Lost, 0)), known);
        let known = Known { begun: 1, told: 1 };
        assert_eq!(replay.known(&cut(4, Unflushed::Lost, 0)), known);
    }

    #[test]
    fn unflushed_writes_are_torn_between_sectors_and_never_within() {
        let recording = recording();
        let mut found = std::collections::BTreeSet::new();
        for seed in 0..100 {
            let mut replay = Replay::new(&recording, Sector::Large);
            let image = replay.image(&cut(5, Unflushed::Some { percent: 50 }, seed));
            let bytes = image.bytes(0, 8192);
            for sector in bytes.chunks(4096) {
                assert!(sector.iter().all(|byte| *byte == sector[0]), "seed {seed}");
            }
            found.insert((bytes[0], bytes[4096]));
        }
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            [(1, 0), (1, 2), (2, 0), (2, 2)]
        );
    }

    #[test]
    fn as_many_cuts_as_asked_for_are_chosen_in_order_and_the_seed_repeats_them() {
        let recording = recording();
        let cuts = choose(&recording, 20, 7);
        assert_eq!(cuts.len(), 20);
        assert!(cuts.is_sorted_by_key(|cut| cut.at));
        assert_eq!(cuts, choose(&recording, 20, 7));
        assert_ne!(cuts, choose(&recording, 20, 8));
    }
}
