//! Archives of all shapes, changed at random: what we accept, GNU tar and bsdtar list as the manifest says.

use igos_format::archive::CompressionFormat;

use crate::differential::compare_listings;
use crate::forge::Forge;
use crate::support::{Package, noise, read_all};

/// How many archives are made, and how many of them have to be accepted for the test to say anything.
const MADE: u64 = 200;
const ACCEPTED_MIN: usize = 100;

/// Names that programs show in different ways.
const NAMES: [&[u8]; 10] = [
    b"a",
    b"-rf",
    b"with space",
    b"*?$(x)",
    "\u{e9}\u{1f4e6}".as_bytes(),
    b"not-utf8-\xff\xfe",
    &[b'n'; 100],
    &[b'o'; 101],
    &[b'p'; 255],
    b"...",
];

/// Numbers without a pattern, the same for the same seed.
struct Dice(Vec<u8>);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        let low = self.0.pop().expect("there are enough");
        let high = self.0.pop().expect("there are enough");
        usize::from(u16::from_le_bytes([low, high])) % limit
    }
}

/// A package of random kinds, names, modes and sizes.
fn package(dice: &mut Dice) -> Package {
    let mut package = Package::empty();
    for (number, name) in NAMES.into_iter().enumerate() {
        let at = match dice.below(3) {
            0 => name.to_vec(),
            1 => [b"d/".as_slice(), name].concat(),
            _ => [b"d/e/".as_slice(), &[b'f'; 150], b"/", name].concat(),
        };
        let mode = dice.below(0o10000) as u16;
        match dice.below(5) {
            0 => package.directory(&at).mode = mode,
            1 => package.symlink(
                &at,
                [b"../".as_slice(), NAMES[dice.below(NAMES.len())]].concat(),
            ),
            2 => package.linked(&at, "linked", 1 + dice.below(2) as u32),
            3 => {
                package
                    .file(&at, noise(dice.below(3000), number as u64))
                    .mode = mode
            }
            _ => package.file(&at, "the same").mode = 0o644,
        }
    }
    package.sorted()
}

/// Cuts the payload somewhere else: readers accept any cut into whole entries.
fn cut(forge: &mut Forge, package: &Package, dice: &mut Dice) {
    let entries = &package.manifest.entries;
    let whole = forge.payload.concat();
    let starts: Vec<usize> = (0..whole.len() / 512)
        .map(|block| block * 512)
        .filter(|at| &whole[at + 257..at + 262] == b"ustar" && b"0125".contains(&whole[at + 156]))
        .filter(|at| {
            *at == 0
                || whole[at - 512 + 257..].get(..5) != Some(b"ustar")
                || whole[at - 512 + 156] != b'x'
        })
        .collect();
    // Only where every header stands alone is a cut this simple.
    if starts.len() != entries.len() || whole.windows(10).any(|window| window == b".igos/pax\0") {
        return;
    }
    let middle = 1 + dice.below(entries.len() - 1);
    forge.payload = vec![
        whole[..starts[middle]].to_vec(),
        whole[starts[middle]..].to_vec(),
    ];
    forge.entries = vec![middle, entries.len() - middle];
}

/// Changes a byte or a few somewhere, and makes all that follows from it consistent.
fn change(forge: &Forge, dice: &mut Dice) -> Vec<u8> {
    let byte = dice.below(256) as u8;
    forge.change(|forge| match dice.below(6) {
        0 => forge.provenance = format!("{{\"a\":\"{}\"}}", dice.below(9999)).into_bytes(),
        1 => forge.provenance.extend([b' '; 3]),
        2 => {
            let frame = dice.below(forge.payload.len());
            let at = dice.below(forge.payload[frame].len());
            forge.payload[frame][at] = byte;
        }
        3 => {
            let at = dice.below(forge.tail.len());
            forge.tail[at] = byte;
        }
        4 => {
            let at = dice.below(forge.manifest.len());
            forge.manifest[at] = byte;
        }
        _ => forge.payload.swap(0, forge.entries.len() - 1),
    })
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "the counts are part of the answer, and a skipped test says so"
)]
fn whatever_is_accepted_is_listed_alike_by_gnu_tar_and_bsdtar() {
    let (mut accepted, mut compared) = (0, 0);
    for seed in 0..MADE {
        let mut dice = Dice(noise(4096, seed + 77));
        let package = package(&mut dice);
        let format = CompressionFormat::ALL[seed as usize % 3];
        let mut forge = Forge::new(&package, format);
        cut(&mut forge, &package, &mut dice);
        let archive = if seed % 2 == 0 {
            forge.build()
        } else {
            change(&forge, &mut dice)
        };
        if read_all(&archive).is_ok() {
            accepted += 1;
            compared += compare_listings(&archive);
        }
    }
    println!("{accepted} of {MADE} archives were accepted, {compared} listings compared");
    assert!(accepted >= ACCEPTED_MIN && accepted < MADE as usize);
    if compared < 2 * accepted {
        println!("skipped: tar or bsdtar is not installed");
    }
}
