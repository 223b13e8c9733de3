//! Which offers of a name are considered, and in which order.

use std::cmp::Ordering;
use std::sync::Arc;

use igos_format::{Arch, PackageName};

use crate::pool::Exclusion;
use crate::request::{Downgrades, Holds, Policy};
use crate::{InstalledPackage, Offer, Source, Wanted, Which};

/// The offers of one name: those that are considered, the best first, and the others with the reason.
#[derive(Debug, Default)]
pub(crate) struct Admitted {
    pub(crate) offers: Vec<Arc<Offer>>,
    pub(crate) excluded: Vec<(Arc<Offer>, Exclusion)>,
}

/// What decides about the offers of a name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) name: &'a PackageName,
    pub(crate) arch: Arch,
    pub(crate) installed: Option<&'a InstalledPackage>,
    pub(crate) wanted: Option<&'a Wanted>,
    pub(crate) policy: &'a Policy,
}

/// Sorts the offers of one name into those that are considered and the others.
pub(crate) fn admit(mut offers: Vec<Arc<Offer>>, rules: Rules<'_>) -> Admitted {
    offers.sort_by(|a, b| better_first(a, b));
    offers.dedup_by(|a, b| a.seal == b.seal);
    let is_usable = |offer: &Arc<Offer>| excluded_alone(offer, rules).is_none();
    let first = offers
        .iter()
        .filter(|offer| is_usable(offer))
        .filter_map(|offer| repository(&offer.source))
        .max_by_key(|(_, priority)| *priority)
        .map(|(name, priority)| (name.to_owned(), priority));
    let mut admitted = Admitted::default();
    for offer in offers {
        let exclusion = excluded_alone(&offer, rules).or_else(|| {
            let (_, priority) = repository(&offer.source)?;
            let (name, highest) = first.as_ref()?;
            (priority < *highest && !is_chosen_by_hand(&offer, rules))
                .then(|| Exclusion::Hidden(name.clone()))
        });
        match exclusion {
            Some(exclusion) => admitted.excluded.push((offer, exclusion)),
            None => admitted.offers.push(offer),
        }
    }
    admitted
}

fn repository(source: &Source) -> Option<(&str, i32)> {
    match source {
        Source::Repository { name, priority } => Some((name, *priority)),
        Source::Archive => None,
    }
}

/// The newest first; what is equally new comes from a repository rather than from a loose archive, and from that
/// which comes first.
pub(crate) fn better_first(a: &Offer, b: &Offer) -> Ordering {
    let priority = |offer: &Offer| repository(&offer.source).map(|(_, priority)| priority);
    b.package
        .compare_versions(&a.package)
        .then_with(|| priority(b).cmp(&priority(a)))
        .then_with(|| a.source.cmp(&b.source))
        .then_with(|| a.seal.cmp(&b.seal))
}

fn is_chosen_by_hand(offer: &Offer, rules: Rules<'_>) -> bool {
    rules
        .wanted
        .is_some_and(|wanted| wanted.which.is_exact() && wanted.which.accepts_offer(offer))
}

/// Returns why an offer is not considered, whatever else is offered.
fn excluded_alone(offer: &Offer, rules: Rules<'_>) -> Option<Exclusion> {
    if offer.package.arch != Arch::Any && offer.package.arch != rules.arch {
        return Some(Exclusion::Arch);
    }
    if let (Some(pin), Some((name, _))) =
        (rules.policy.pins.get(rules.name), repository(&offer.source))
        && pin != name
    {
        return Some(Exclusion::Pinned(pin.clone()));
    }
    let installed = rules.installed?;
    if installed.is_held && rules.policy.holds == Holds::Keep {
        return Some(Exclusion::Held);
    }
    let by_hand = is_chosen_by_hand(offer, rules);
    if let (Some((name, above)), Some((_, priority))) = (
        installed.source.as_ref().and_then(repository),
        repository(&offer.source),
    ) && priority < above
        && !by_hand
    {
        return Some(Exclusion::Lower(name.to_owned()));
    }
    let wants = |which: fn(&Which) -> bool| rules.wanted.is_some_and(|wanted| which(&wanted.which));
    match offer.package.compare_versions(&installed.package) {
        Ordering::Greater => None,
        Ordering::Equal if wants(|which| *which == Which::Again) => None,
        Ordering::Equal if wants(|which| matches!(which, Which::Seal(_))) && by_hand => None,
        Ordering::Equal => Some(Exclusion::Same),
        Ordering::Less if rules.policy.downgrades == Downgrades::Allow => None,
        Ordering::Less => Some(Exclusion::Older),
    }
}
