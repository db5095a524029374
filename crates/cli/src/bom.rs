//! `castellan bom`: the AI bill of materials.

use anyhow::Result;
use castellan_base::System;
use castellan_estate::bom::{Bom, CycloneDxOptions, bill_of_materials, to_cyclonedx};
use castellan_posture::Content;
use comfy_table::{ContentArrangement, Table, presets};

use crate::Ending;
use crate::arguments::{BomArguments, BomFormat};
use crate::output::{stdout_is_terminal, to_file_or_stdout, width};

pub(crate) fn run(arguments: &BomArguments, system: &dyn System) -> Result<Ending> {
    let estate = crate::estate::read(&arguments.estate, &Content::embedded(), system)?.estate;
    crate::estate::complain_of(&estate, arguments.estate.quiet);
    let bom = bill_of_materials(&estate);
    let is_terminal = arguments.output.is_none() && stdout_is_terminal();
    let format =
        arguments.format.unwrap_or(if is_terminal { BomFormat::Table } else { BomFormat::Cyclonedx });
    let text = match format {
        BomFormat::Table => table(&bom, width(system)),
        BomFormat::Cyclonedx => {
            let options = CycloneDxOptions::at(crate::estate::now(&arguments.estate, system));
            serde_json::to_string_pretty(&to_cyclonedx(&bom, &options))? + "\n"
        }
    };
    to_file_or_stdout(system, arguments.output.as_deref(), text.as_bytes())?;
    Ok(if crate::estate::is_unusable(&estate) { Ending::BadInput } else { Ending::Fine })
}

fn table(bom: &Bom, width: usize) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table.set_header(["kind", "name", "version", "details", "relations", "where"]);
    for row in bom.rows() {
        // Names come from scanned files; control characters would reach the terminal.
        table.add_row(
            row.map(|cell| cell.chars().filter(|character| !character.is_control()).collect::<String>()),
        );
    }
    format!("{table}\n{} parts, {} relations\n", bom.parts.len(), bom.links.len())
}
