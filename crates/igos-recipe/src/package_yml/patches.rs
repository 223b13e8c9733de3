//! Patches.

use super::keys;
use super::node::{Node, Value};
use super::parse::is_file;
use super::reader::{Fields, Reader};
use crate::substitute::Variables;
use crate::{FileList, Patch};
use igos_format::RelPath;

impl Reader<'_> {
    pub(super) fn patches(
        &mut self,
        fields: &Fields<'_>,
        variables: Option<&Variables>,
        files: &FileList,
    ) -> Vec<Patch> {
        let items = self.list(fields, "patches");
        items
            .iter()
            .filter_map(|item| self.patch(item, variables, files))
            .collect()
    }

    fn patch(
        &mut self,
        item: &Node,
        variables: Option<&Variables>,
        files: &FileList,
    ) -> Option<Patch> {
        let (node, sha256) = match &item.value {
            Value::Mapping(_) => {
                let fields = self.fields(item, "a patch", &keys::PATCH)?;
                let sha256 = self.optional(&fields, "sha256");
                (self.required(&fields, "a patch", "file")?, sha256)
            }
            _ => (item, None),
        };
        let file = self.substituted("a patch", node, variables)?;
        if let Err(error) = file.parse::<RelPath>() {
            self.invalid(format!("a patch: {error}"), node);
            return None;
        }
        // Foreign trees may keep patches elsewhere; lint tells about those.
        if self.format > 0 && !is_file(files, &file) {
            self.error(
                "recipe-file-missing",
                format!("there is no patch {file:?} beside the recipe"),
                &node.span,
            );
        }
        Some(Patch { file, sha256 })
    }
}
