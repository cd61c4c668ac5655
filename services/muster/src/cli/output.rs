//! What the commands for operators print: lines for people, or JSON for programs.

use clap::Args;
use muster_error::AppError;
use serde_json::{Value, json};

#[derive(Args, Debug, Clone, Copy)]
pub struct Output {
    /// Print JSON on standard output, and refusals as JSON on standard error
    #[arg(long, global = true)]
    pub json: bool,
}

/// A refusal of a service, in words.
pub fn refused(status: tonic::Status) -> anyhow::Error {
    anyhow::Error::new(AppError::from(status))
}

impl Output {
    /// `text` for people, `value` for programs.
    pub fn say(self, text: impl AsRef<str>, value: &Value) {
        if self.json { println!("{value}") } else { println!("{}", text.as_ref()) }
    }

    /// A table for people, a list of objects for programs. `rows` hold the same fields in the same order as `names`.
    pub fn table(self, names: &[&str], rows: Vec<Vec<String>>) {
        if self.json {
            let object = |row: Vec<String>| -> Value {
                names.iter().map(|n| (*n).to_owned()).zip(row.into_iter().map(Value::from)).collect::<serde_json::Map<_, _>>().into()
            };
            println!("{}", Value::Array(rows.into_iter().map(object).collect()));
            return;
        }
        let width = |i: usize| rows.iter().map(|row| row[i].chars().count()).chain([names[i].len()]).max().unwrap_or_default();
        let widths: Vec<usize> = (0..names.len()).map(width).collect();
        let line = |cells: &[String]| {
            let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            println!("{}", padded.join("  ").trim_end());
        };
        line(&names.iter().map(|name| name.to_uppercase()).collect::<Vec<_>>());
        rows.iter().for_each(|row| line(row));
    }

    /// A failure on standard error; services' refusals in the user's words, with their id.
    pub fn failure(self, error: &anyhow::Error) {
        let app = error.downcast_ref::<AppError>();
        if self.json {
            let id = app.map(|e| e.id.wire()).unwrap_or_default();
            let message = app.map_or_else(|| format!("{error:#}"), AppError::message);
            eprintln!("{}", json!({ "error": { "id": id, "message": message } }));
        } else {
            match app {
                Some(app) => {
                    let detail = if app.detail.is_empty() { String::new() } else { format!(" ({})", app.detail) };
                    eprintln!("muster: {} [{}]{detail}", app.message(), app.id.wire());
                }
                None => eprintln!("muster: {error:#}"),
            }
        }
    }
}
