//! How many diagnostics a person reads.

use std::collections::BTreeMap;

use igos_report::{Diagnostic, Place};

/// Most diagnostics of one code that are shown, if they do not each point at a place of a file to be mended there.
const ALIKE_MAX: usize = 20;

/// Returns what to show of the diagnostics, in their order, and one note for each code that was cut.
///
/// A server that is gone fails two thousand downloads for one reason; two thousand messages hide it.
pub(crate) fn readable(diagnostics: &[Diagnostic]) -> (Vec<&Diagnostic>, Vec<Diagnostic>) {
    let mut alike: BTreeMap<&str, usize> = BTreeMap::new();
    let mut shown = Vec::new();
    for diagnostic in diagnostics {
        if !matches!(diagnostic.place, Some(Place::Source { .. })) {
            let count = alike.entry(&diagnostic.code).or_default();
            *count += 1;
            if *count > ALIKE_MAX {
                continue;
            }
        }
        shown.push(diagnostic);
    }
    let cut = alike.into_iter().filter(|(_, count)| *count > ALIKE_MAX);
    let notes = cut.map(|(code, count)| {
        let more = count - ALIKE_MAX;
        Diagnostic::note("not-all-shown", format!("{more} more of {code}"))
            .hint("`--json` names them all")
    });
    (shown, notes.collect())
}

#[cfg(test)]
mod tests {
    use igos_report::{Diagnostic, Place, Span};

    use super::{ALIKE_MAX, readable};

    fn errors(code: &'static str, count: usize) -> Vec<Diagnostic> {
        (0..count)
            .map(|number| Diagnostic::error(code, format!("number {number}")))
            .collect()
    }

    #[test]
    fn many_alike_are_cut_and_counted_and_others_are_not() {
        let all = [errors("gone", ALIKE_MAX + 3), errors("rare", ALIKE_MAX)].concat();
        let (shown, notes) = readable(&all);
        assert_eq!(shown.len(), 2 * ALIKE_MAX);
        let notes: Vec<&str> = notes.iter().map(|note| note.message.as_str()).collect();
        assert_eq!(notes, ["3 more of gone"]);
    }

    #[test]
    fn places_to_mend_are_all_shown() {
        let text = "a";
        let place = Place::Source {
            file: "package.yml".to_owned(),
            text: text.to_owned(),
            span: Span::locate(text, 0..1),
        };
        let mut all = errors("unknown-key", ALIKE_MAX + 3);
        for error in &mut all {
            error.place = Some(place.clone());
        }
        let (shown, notes) = readable(&all);
        assert_eq!((shown.len(), notes.len()), (all.len(), 0));
    }
}
