//! Figures and results as text.

use std::fmt::Write;

use minijinja::value::{Value, ValueKind};

use super::documents::{items, member, members, number};

/// `2.50 (2.41 to 2.77)`; a plain number as itself; of anything else nothing.
pub(super) fn spread(value: &Value, digits: Option<usize>) -> String {
    let digits = digits.unwrap_or(2);
    if let Some(number) = number(value) {
        return format!("{number:.digits$}");
    }
    match ["median", "least", "most"].map(|name| number(&member(value, name))) {
        [Some(median), Some(least), Some(most)] if median >= 1000.0 => {
            format!("{} ({} to {})", grouped(median), grouped(least), grouped(most))
        }
        [Some(median), Some(least), Some(most)] => {
            format!("{median:.digits$} ({least:.digits$} to {most:.digits$})")
        }
        _ => String::new(),
    }
}

/// A number with so many digits after the point.
pub(super) fn fixed(value: f64, digits: usize) -> String {
    format!("{value:.digits$}")
}

/// A number without fraction, in groups of three digits.
pub(super) fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Settings in one line; what only tells the machine is left out.
pub(super) fn list(settings: &Value) -> String {
    let known = members(settings).into_iter().filter(|(key, _)| key != "machine");
    known.map(|(key, value)| format!("{} {}", words(&key), cell(&value))).collect::<Vec<_>>().join(", ")
}

/// Results as a Markdown table: a column for each key that occurs, without the stages, which are plotted.
pub(super) fn table(results: &[Value]) -> String {
    let mut columns: Vec<String> = Vec::new();
    for (key, _) in results.iter().flat_map(members) {
        if key != "stages" && !columns.contains(&key) {
            columns.push(key);
        }
    }
    let mut text = String::new();
    let heads: Vec<String> = columns.iter().map(|key| words(key)).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "| {} |", heads.join(" | "));
    let _ = writeln!(text, "|{}", " --- |".repeat(columns.len()));
    for result in results {
        let cells: Vec<String> = columns.iter().map(|key| cell(&member(result, key))).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

/// What a bar of a result is called: its texts and whole numbers.
pub(super) fn label(result: &Value) -> String {
    let part = |(key, value): (String, Value)| match value.kind() {
        ValueKind::String => Some(value.to_string()),
        ValueKind::Number if value.is_integer() => Some(format!("{value} {}", words(&key))),
        _ => None,
    };
    members(result).into_iter().filter_map(part).take(2).collect::<Vec<_>>().join(", ")
}

/// Names and figures of the stages of a result.
pub(super) fn stages(stages: &Value) -> Vec<(String, f64)> {
    let figure = |value: &Value| number(value).or_else(|| number(&member(value, "median")));
    let named = members(stages);
    let stage = |(name, value): (String, Value)| Some((words(&name), figure(&value)?));
    if !named.is_empty() {
        return named.into_iter().filter_map(stage).collect();
    }
    let listed = |stage: Value| {
        let parts = members(&stage);
        let name = parts.iter().find_map(|(_, value)| value.as_str())?.to_owned();
        Some((name, parts.iter().find_map(|(_, value)| figure(value))?))
    };
    items(stages).into_iter().filter_map(listed).collect()
}

fn words(key: &str) -> String {
    key.replace('_', " ")
}

fn cell(value: &Value) -> String {
    match value.kind() {
        ValueKind::Bool => if value.is_true() { "yes" } else { "no" }.to_owned(),
        ValueKind::String => value.to_string().replace('|', "\\|"),
        ValueKind::Number => match number(value) {
            Some(figure) if value.is_integer() || figure.abs() >= 1000.0 => grouped(figure),
            Some(figure) => format!("{figure:.2}"),
            None => String::new(),
        },
        ValueKind::Seq => items(value).iter().map(cell).collect::<Vec<_>>().join(", "),
        ValueKind::Map => match spread(value, None) {
            text if text.is_empty() => list(value),
            text => text,
        },
        _ => String::new(),
    }
}

/// The filter of templates for the sum of the values of a map.
pub(super) fn total(values: &Value) -> f64 {
    members(values).iter().filter_map(|(_, value)| number(value)).sum()
}

/// The filter of templates for counts by name.
pub(super) fn counts(values: &Value) -> String {
    members(values)
        .iter()
        .map(|(name, value)| format!("{name} {}", cell(value)))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn figures_are_written_as_people_read_them() {
        assert_eq!(grouped(1_234_567.4), "1,234,567");
        assert_eq!(grouped(123.0), "123");
        let figure = json(r#"{ "median": 2.5, "least": 2.0, "most": 3.0 }"#);
        assert_eq!(spread(&figure, Some(1)), "2.5 (2.0 to 3.0)");
        assert_eq!(
            spread(&json(r#"{ "median": 2500.0, "least": 2000, "most": 3e6 }"#), None),
            "2,500 (2,000 to 3,000,000)"
        );
        assert_eq!(spread(&Value::from(2.5), None), "2.50");
        assert_eq!(spread(&json(r#"{ "other": 1 }"#), None), "");
    }

    #[test]
    fn any_results_make_a_table() {
        let results = [
            json(
                r#"{ "flows": 100000, "cost_ns": { "median": 50.0, "least": 49.0, "most": 60.0 }, "a": true }"#,
            ),
            json(r#"{ "flows": 10000000, "skipped": "no memory" }"#),
        ];
        let expected = "| flows | cost ns | a | skipped |\n| --- | --- | --- | --- |\n\
                        | 100,000 | 50.00 (49.00 to 60.00) | yes |  |\n| 10,000,000 |  |  | no memory |\n";
        assert_eq!(table(&results), expected);
    }

    #[test]
    fn stages_are_a_map_or_a_list() {
        let expected = [("receive".to_owned(), 90.0), ("flow lookup".to_owned(), 60.0)];
        assert_eq!(stages(&json(r#"{ "receive": 90, "flow_lookup": { "median": 60.0 } }"#)), expected);
        let list = r#"[{ "stage": "receive", "cycles": 90 }, { "stage": "flow lookup", "cycles": 60.0 }]"#;
        assert_eq!(stages(&json(list)), expected);
        let result = json(r#"{ "mix": "campus", "workers": 2, "cycles": 1.5 }"#);
        assert_eq!(label(&result), "campus, 2 workers");
    }
}
