//! The JSON files below a directory: scenarios, recordings.

use std::path::{Path, PathBuf};

/// All of them, in order.
pub fn below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    walk(directory, &mut files);
    files.sort();
    files
}

/// All scenarios of the repository.
#[allow(dead_code, reason = "not every test is about scenarios")]
pub fn scenarios() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in its workspace");
    let files = below(&root.join("scenarios"));
    assert!(files.len() > 40, "the scenarios are where they are looked for");
    files
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("the directory can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
}
