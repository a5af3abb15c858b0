//! The description against the code: the app's types are made from it, so it may neither lie nor lag behind.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(super::super::openapi()).expect("JSON"));

#[test]
fn the_description_is_sorted_and_always_the_same() {
    let text = super::super::openapi_text().expect("JSON");
    let at = |name: &str| {
        let found = text.find(&format!("\n  \"{name}\": "));
        found.unwrap_or_else(|| panic!("{name} is missing"))
    };
    assert!(at("components") < at("info") && at("info") < at("openapi"));
    assert!(at("openapi") < at("paths") && text.ends_with("}\n"));
    assert_eq!(text, super::super::openapi_text().expect("JSON"));
}

#[test]
fn the_app_is_built_from_the_description_of_this_office() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/web/openapi.json");
    let committed = std::fs::read_to_string(path).expect("controller/web/openapi.json");
    assert!(
        committed == super::super::openapi_text().expect("JSON"),
        "The API has changed and its description for the app has not. `make types` renews it, or these two:\n  \
         cargo run -p loa-controller -- openapi > controller/web/openapi.json\n  \
         cd controller/web && npm run types\nThen commit controller/web/openapi.json."
    );
}

#[test]
fn what_may_be_null_is_always_in_an_answer_and_what_is_sent_may_leave_it_out() {
    let schemas = &DESCRIPTION["components"]["schemas"];
    let required = |name: &str| schemas[name]["required"].clone();
    let has = |name: &str, field: &str| {
        required(name)
            .as_array()
            .is_some_and(|all| all.contains(&json!(field)))
    };
    assert!(has("AreaView", "parent") && !has("NewAreaBody", "parent"));
    assert!(has("NowSpeaker", "sounding") && has("BulletinView", "ask"));
    // Only in the answer to what changed it.
    assert!(!has("BulletinView", "warnings"));
    assert!(has("BulletinBody", "targets") && !has("BulletinBody", "audio"));
    assert!(!has("CheckBody", "audio"));
}

/// Panics where an answer is not what the description says of it. Every answer of these tests comes past here.
pub fn check(method: &str, path: &str, status: u16, answer: &Value) {
    let Some(call) = called(method, path) else {
        return;
    };
    let responses = &call["responses"];
    let described = match &responses[status.to_string()] {
        Value::Null if status >= 400 => &responses["default"],
        described => described,
    };
    assert!(
        described.is_object(),
        "{method} {path}: {status} is not described"
    );
    let schema = &described["content"]["application/json"]["schema"];
    if schema.is_object()
        && let Err(wrong) = fits(schema, answer)
    {
        panic!("{method} {path}: {status} is described otherwise: {wrong}\n{answer}");
    }
}

/// Of `/audio/{id}` and `/audio/speech` the one with fewer blanks.
fn called(method: &str, path: &str) -> Option<&'static Value> {
    let is_of = |form: &str| {
        form.split('/').count() == path.split('/').count()
            && form
                .split('/')
                .zip(path.split('/'))
                .all(|(form, part)| form.starts_with('{') || form == part)
    };
    let paths = DESCRIPTION["paths"].as_object().expect("paths");
    let (_, calls) = paths
        .iter()
        .filter(|(form, calls)| is_of(form) && calls.get(method.to_lowercase().as_str()).is_some())
        .min_by_key(|(form, _)| form.matches('{').count())?;
    calls.get(method.to_lowercase().as_str())
}

fn fits(schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(Value::String(name)) = schema.get("$ref") {
        let whole = DESCRIPTION.pointer(name.trim_start_matches('#'));
        return fits(whole.expect("a schema"), value);
    }
    if let Some(Value::Array(choices)) = schema.get("oneOf") {
        let fit = choices.iter().any(|one| fits(one, value).is_ok());
        return fit
            .then_some(())
            .ok_or(format!("{value} is none of {choices:?}"));
    }
    if let Some(Value::Array(words)) = schema.get("enum")
        && !words.contains(value)
    {
        return Err(format!("{value} is none of {words:?}"));
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let may_be = |named: &Value| named == kind || (kind == "integer" && named == "number");
    match schema.get("type") {
        None => {}
        Some(Value::Array(kinds)) if kinds.iter().any(may_be) => {}
        Some(one) if may_be(one) => {}
        Some(other) => return Err(format!("{value} is not {other}")),
    }
    match value {
        Value::Array(all) => all.iter().try_for_each(|one| fits(&schema["items"], one)),
        Value::Object(given) => whole(schema, given),
        _ => Ok(()),
    }
}

fn whole(schema: &Value, given: &Map<String, Value>) -> Result<(), String> {
    let (mut fields, mut required) = (Map::new(), Vec::new());
    gather(schema, &mut fields, &mut required);
    if fields.is_empty() {
        let any = json!({});
        let each = schema.get("additionalProperties").unwrap_or(&any);
        return given.values().try_for_each(|value| fits(each, value));
    }
    if let Some(missing) = required.iter().find(|name| !given.contains_key(**name)) {
        return Err(format!("{missing} is missing"));
    }
    given.iter().try_for_each(|(name, value)| {
        let field = fields.get(name).ok_or(format!("{name} is not named"))?;
        fits(field, value).map_err(|wrong| format!("{name}: {wrong}"))
    })
}

/// The fields of an object, those of its parts (`allOf`) among them.
fn gather<'a>(schema: &'a Value, fields: &mut Map<String, Value>, required: &mut Vec<&'a str>) {
    if let Some(Value::String(name)) = schema.get("$ref") {
        let whole = DESCRIPTION.pointer(name.trim_start_matches('#'));
        gather(whole.expect("a schema"), fields, required);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        gather(part, fields, required);
    }
    let own = schema["properties"].as_object();
    fields.extend(own.cloned().unwrap_or_default());
    let names = schema["required"].as_array().into_iter().flatten();
    required.extend(names.filter_map(Value::as_str));
}
