//! Columns and rows for the boxes of a graph.

use std::collections::BTreeSet;

/// Returns the column and the row of each node, where `needs` are the numbers of the nodes that each node needs: a
/// node is right of everything that it needs, and near the rows of that.
///
/// Nodes of a circle are put somewhere right of what is outside of it.
#[must_use]
pub fn layers(needs: &[BTreeSet<usize>]) -> Vec<(usize, usize)> {
    let columns = columns(needs);
    let last = columns.iter().copied().max().unwrap_or(0);
    let mut places: Vec<(usize, usize)> = columns.iter().map(|column| (*column, 0)).collect();
    for column in 0..=last {
        let mut members: Vec<usize> = (0..needs.len())
            .filter(|node| columns[*node] == column)
            .collect();
        // The mean row of what a node needs, in thousandths so that no rounding of floats decides.
        let mean = |node: &usize| {
            let rows: Vec<usize> = needs[*node]
                .iter()
                .filter(|needed| columns[**needed] < column)
                .map(|needed| places[*needed].1)
                .collect();
            rows.iter().sum::<usize>() * 1000 / rows.len().max(1)
        };
        members.sort_by_key(|node| (mean(node), *node));
        for (row, node) in members.into_iter().enumerate() {
            places[node].1 = row;
        }
    }
    places
}

fn columns(needs: &[BTreeSet<usize>]) -> Vec<usize> {
    let count = needs.len();
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (node, needed) in needs.iter().enumerate() {
        for one in needed {
            needed_by[*one].push(node);
        }
    }
    let mut open: Vec<usize> = needs.iter().map(BTreeSet::len).collect();
    let mut columns = vec![0; count];
    let mut is_placed = vec![false; count];
    let mut ready: Vec<usize> = (0..count).filter(|node| open[*node] == 0).collect();
    let mut next = 0;
    loop {
        while let Some(node) = ready.pop() {
            is_placed[node] = true;
            for after in &needed_by[node] {
                open[*after] = open[*after].saturating_sub(1);
                columns[*after] = columns[*after].max(columns[node] + 1);
                if open[*after] == 0 && !is_placed[*after] {
                    ready.push(*after);
                }
            }
        }
        // Whatever is left is in a circle or behind one: begin somewhere.
        match (next..count).find(|node| !is_placed[*node]) {
            None => return columns,
            Some(node) => {
                next = node;
                is_placed[node] = true;
                ready.push(node);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::layers;

    fn graph(needs: &[&[usize]]) -> Vec<BTreeSet<usize>> {
        let set = |all: &&[usize]| all.iter().copied().collect();
        needs.iter().map(set).collect()
    }

    #[test]
    fn nodes_are_right_of_what_they_need_and_near_its_row() {
        // 3 needs 0, 4 needs 2 and 5 needs both and 1.
        let places = layers(&graph(&[&[], &[], &[], &[0], &[2], &[1, 3, 4]]));
        assert_eq!(places, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0)]);
    }

    #[test]
    fn circles_are_placed_too() {
        let places = layers(&graph(&[&[1], &[0], &[1], &[3]]));
        let different: BTreeSet<_> = places.iter().collect();
        assert_eq!(different.len(), places.len());
    }

    proptest! {
        #[test]
        fn no_two_boxes_share_a_place(edges in prop::collection::vec((0_usize..9, 0_usize..9), 0..30)) {
            let mut needs = vec![BTreeSet::new(); 9];
            let mut sorted = needs.clone();
            for (from, to) in edges {
                needs[from].insert(to);
                if to < from {
                    sorted[from].insert(to);
                }
            }
            for graph in [&needs, &sorted] {
                let places = layers(graph);
                let different: BTreeSet<_> = places.iter().collect();
                prop_assert_eq!(different.len(), 9);
            }
            let places = layers(&sorted);
            for (node, needed) in sorted.iter().enumerate() {
                for one in needed {
                    prop_assert!(places[*one].0 < places[node].0);
                }
            }
        }
    }
}
