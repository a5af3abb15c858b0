//! What the description of the API says beside the calls and their shapes: the title, how one signs in, and what is always there.

use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document, RefOr, Schema,
        schema::{AdditionalProperties, SchemaType, Type},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::guard;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Loa",
        description = "Loudspeakers of a village: bulletins, schedules, poles. Times are RFC 3339. Every create takes an \
                       `Idempotency-Key` header: the same key with the same body is done once. Messages are Vietnamese \
                       unless `Accept-Language: en`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    modifiers(&Signing),
    security(("bearer" = []), ("cookie" = [])),
)]
pub struct Description;

struct Signing;

impl Modify for Signing {
    fn modify(&self, openapi: &mut Document) {
        let components = openapi.components.get_or_insert_with(Default::default);
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let cookie = ApiKeyValue::new(guard::COOKIE);
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// In an answer, what may be `null` is always there. In a request it may be left out, and only there the macro that
/// describes an `Option` is right.
///
/// What an answer leaves out (`skip_serializing_if`) is never `null` and says so with `nullable = false`. The tests hold every
/// answer that they get against this.
pub fn complete(openapi: &mut Document) {
    if let Some(components) = &mut openapi.components {
        components.schemas.values_mut().for_each(always_there);
    }
}

fn always_there(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::AllOf(parts)) => parts.items.iter_mut().for_each(always_there),
        // What is sent to the office is strict: it takes no field that it does not know.
        RefOr::T(Schema::Object(sent))
            if matches!(
                sent.additional_properties.as_deref(),
                Some(AdditionalProperties::FreeForm(false))
            ) => {}
        RefOr::T(Schema::Object(answer)) => {
            for (name, field) in &answer.properties {
                if may_be_null(field) && !answer.required.contains(name) {
                    answer.required.push(name.clone());
                }
            }
        }
        _ => {}
    }
}

fn may_be_null(field: &RefOr<Schema>) -> bool {
    let is_null = |kind: &SchemaType| match kind {
        SchemaType::Type(kind) => *kind == Type::Null,
        SchemaType::Array(kinds) => kinds.contains(&Type::Null),
        SchemaType::AnyValue => false,
    };
    match field {
        RefOr::T(Schema::Object(object)) => is_null(&object.schema_type),
        RefOr::T(Schema::Array(array)) => is_null(&array.schema_type),
        RefOr::T(Schema::OneOf(one)) => one.items.iter().any(may_be_null),
        _ => false,
    }
}
