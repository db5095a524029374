//! Pages of the documentation that are derived: commands from [`crate::arguments`], checks from the content, functions
//! from their registry.

use castellan_base::FrameworkId;
use castellan_posture::content::{Category, Content};
use clap::CommandFactory;

use crate::arguments::Cli;

/// `docs/cli.md`: every command with its help as the terminal shows it.
pub fn command_line() -> String {
    let mut page = String::from(
        "# Command line\n\n<!-- Derived from the argument definitions by `cargo xtask generate`; do not edit. -->\n",
    );
    let mut root = Cli::command().term_width(100);
    root.build();
    section(&mut root, &mut page);
    page
}

fn section(command: &mut clap::Command, page: &mut String) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let help = command.render_long_help().to_string();
    let trimmed: Vec<&str> = help.lines().map(str::trim_end).collect();
    page.push_str(&format!("\n## `{name}`\n\n```text\n{}\n```\n", trimmed.join("\n").trim_end()));
    for subcommand in command.get_subcommands_mut() {
        if subcommand.get_name() != "help" {
            section(subcommand, page);
        }
    }
}

/// `docs/checks.md`: every built-in check, by category.
pub fn checks() -> String {
    let content = Content::embedded();
    let defender = content.checks.iter().filter(|check| check.defender).count();
    let mut page = format!(
        "# Checks\n\n<!-- Derived from content/policies by `cargo xtask generate`; do not edit. -->\n\n\
         {} checks: {defender} answer a recommendation of Defender for Cloud, {} go beyond. \
         `castellan content show CHECK` explains one.\n",
        content.checks.len(),
        content.checks.len() - defender
    );
    let mut categories: Vec<Category> = content.checks.iter().map(|check| check.category).collect();
    categories.sort_unstable();
    categories.dedup();
    for category in categories {
        page.push_str(&format!(
            "\n## {}\n\n| check | severity | asks that | frameworks |\n|---|---|---|---|\n",
            category.as_str()
        ));
        for check in content.checks.iter().filter(|check| check.category == category) {
            let frameworks: Vec<&str> = check.frameworks.iter().map(FrameworkId::as_str).collect();
            let mark = if check.defender { " (Defender)" } else { "" };
            let title = check.title.replace('|', "\\|");
            page.push_str(&format!(
                "| `{}`{mark} | {} | {title} | {} |\n",
                check.id,
                check.severity,
                frameworks.join(", ")
            ));
        }
    }
    page
}

/// `docs/template-functions.md`: every function of the expression language.
pub fn template_functions() -> String {
    let mut page = String::from(
        "# Template functions\n\n<!-- Derived from the function registry by `cargo xtask generate`; do not edit. -->\n\n\
         What `castellan scan` evaluates in ARM templates and policy rules. Whatever only a deployment can tell\n\
         (`reference` to a live resource, `listKeys`, `newGuid`) becomes an unresolved value that carries its expression.\n\n\
         | function | family | what it gives |\n|---|---|---|\n",
    );
    for function in castellan_expression::functions::all() {
        page.push_str(&format!("| `{}` | {} | {} |\n", function.signature, function.family, function.doc));
    }
    page
}
