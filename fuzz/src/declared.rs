//! Texts that say what a root is to be: declared sets, settings of `pkm`, what helpers made, drop-in files.

use std::path::Path;

use igos_cli::Environment;
use igos_cli::settings::Layers;

#[path = "../../programs/pkm/src/settings.rs"]
#[allow(dead_code, reason = "shared with pkm, which uses all of it")]
mod pkm;
#[path = "../../programs/pkm/src/world/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "shared with pkm, which uses all of it"
)]
mod sets;

/// Reads a declared set, its patterns, and writes it.
pub fn world(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match sets::Declared::parse("world.toml", text) {
        Ok(declared) => {
            assert!(declared.to_text().starts_with("format = "));
            // Refused or not, it is an answer.
            let _answer = declared.patterns("world.toml");
        }
        Err(why) => assert!(!why.to_string().is_empty()),
    }
}

/// Reads what a helper says that it made.
pub fn helper_manifest(data: &[u8]) {
    crate::helper::read(data);
}

/// Loads bytes as the settings of `pkm`: there are settings, or reasons.
pub fn pkm_settings(data: &[u8]) {
    thread_local! {
        static ROOT: tempfile::TempDir = tempfile::tempdir().expect("a temporary directory");
    }
    ROOT.with(|root| {
        let directory = root.path().join("etc/igos");
        std::fs::create_dir_all(&directory).expect("it is ours");
        std::fs::write(directory.join("pkm.toml"), data).expect("it is ours");
        load(root.path());
    });
}

fn load(root: &Path) {
    let environment = Environment::default();
    let layers = Layers {
        root,
        tree_file: None,
        environment: &environment,
        flags: Vec::new(),
    };
    if let Err(failure) = layers.load::<pkm::PkmSettings>() {
        assert!(!failure.diagnostics.is_empty());
    }
}
