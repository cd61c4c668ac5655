//! Reads the API's own source and writes down what it says: every route with its handler's doc comment, what it takes and
//! what it answers, and the shapes of the gateway's own bodies. `src/api/openapi.rs` serves the result. A handler whose
//! return type hides the shape names it in its comment: "Answers `Vec<Post>`."

use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};
use syn::{
    Attribute, Expr, ExprLit, ExprMethodCall, FnArg, GenericArgument, Item, ItemFn, ItemStruct, Lit, Meta, PathArguments, ReturnType, Type,
    visit::Visit,
};

const VERBS: &[&str] = &["get", "post", "put", "delete"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=src/api");
    println!("cargo:rerun-if-changed=src/wire.rs");
    println!("cargo:rerun-if-changed=build.rs");
    let mut files = vec![PathBuf::from("src/wire.rs")];
    collect(Path::new("src/api"), &mut files)?;
    files.sort();
    let mut sources = Vec::new();
    for path in files {
        let source = syn::parse_file(&fs::read_to_string(&path)?)?;
        sources.push((path, source));
    }
    let modules: Vec<Module> = sources.iter().map(|(path, source)| Module::read(path, source)).collect();
    let (mut operations, mut shapes) = (Vec::new(), Map::new());
    for module in &modules {
        module.describe(&modules, &mut operations, &mut shapes);
    }
    let described = json!({ "operations": operations, "shapes": shapes });
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("api.json"), described.to_string())?;
    Ok(())
}

fn collect(dir: &Path, into: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
    Ok(())
}

struct Module<'a> {
    /// `users.account` of `src/api/users/account.rs`.
    name: String,
    functions: BTreeMap<String, &'a ItemFn>,
    structs: BTreeMap<String, &'a ItemStruct>,
    aliases: BTreeMap<String, &'a Type>,
}

impl<'a> Module<'a> {
    fn read(path: &Path, source: &'a syn::File) -> Self {
        let name = path.with_extension("").to_string_lossy().trim_start_matches("src/").trim_start_matches("api/").replace('/', ".");
        let (mut functions, mut structs, mut aliases) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for item in &source.items {
            match item {
                Item::Fn(f) => drop(functions.insert(f.sig.ident.to_string(), f)),
                Item::Struct(s) if derives_serde(s) => drop(structs.insert(s.ident.to_string(), s)),
                Item::Type(t) => drop(aliases.insert(t.ident.to_string(), t.ty.as_ref())),
                _ => {}
            }
        }
        Self { name, functions, structs, aliases }
    }

    fn describe(&self, all: &[Module], operations: &mut Vec<Value>, shapes: &mut Map<String, Value>) {
        for (name, shape) in &self.structs {
            shapes.insert(format!("{}.{name}", self.name), self.shape(shape));
        }
        if let Some(routes) = self.functions.get("routes") {
            let mut found = Routes::default();
            found.visit_item_fn(routes);
            operations.extend(found.0.into_iter().filter_map(|(verb, path, handler)| {
                // `edit::delete` is a function of a module below this one.
                let (home, name) = match handler.rsplit_once("::") {
                    None => (self, handler.as_str()),
                    Some((below, name)) => {
                        let wanted = format!("{}.{}", self.name, below.replace("::", "."));
                        (all.iter().find(|module| module.name == wanted)?, name)
                    }
                };
                home.operation(&verb, &path, name)
            }));
        }
    }

    fn operation(&self, verb: &str, path: &str, handler: &str) -> Option<Value> {
        let function = self.functions.get(handler)?;
        let mut parameters = Parameters::default();
        parameters.visit_item_fn(function);
        let (mut body, mut multipart, mut open) = (None, false, true);
        for argument in &function.sig.inputs {
            let FnArg::Typed(argument) = argument else { continue };
            let Some((name, inside)) = named(&argument.ty) else { continue };
            match name.as_str() {
                "Json" => body = inside.first().map(|t| self.schema(t)),
                "Multipart" => multipart = true,
                "Page" => parameters.0.extend(["page".to_owned(), "per_page".to_owned()]),
                "Session" | "Enabled" => open = false,
                _ => {}
            }
        }
        let comment = doc(&function.attrs);
        let (status, answer) = self.answer(function, &comment);
        Some(json!({
            "method": verb, "path": path, "tag": self.name.split('.').next(), "summary": comment, "open": open,
            "query": parameters.0, "body": body, "multipart": multipart, "status": status, "answer": answer,
        }))
    }

    /// Status and schema of success.
    fn answer(&self, function: &ItemFn, comment: &str) -> (u16, Value) {
        let told = comment.split("Answers `").nth(1).and_then(|rest| rest.split('`').next());
        let told = told.and_then(|text| syn::parse_str::<Type>(text).ok()).map(|t| self.schema(&t));
        let ReturnType::Type(_, returned) = &function.sig.output else { return (200, json!({})) };
        let (mut status, mut ty) = (200, returned.as_ref().clone());
        loop {
            match named(&ty) {
                Some((name, _)) if self.aliases.contains_key(&name) => ty = self.aliases[&name].clone(),
                Some((name, inside))
                    if matches!(name.as_str(), "ApiResult" | "Result" | "NotModifiedOr" | "NoCache" | "ApiJson" | "Json") =>
                {
                    let Some(inner) = inside.first() else { break };
                    ty = (*inner).clone();
                }
                Some((name, inside)) if name == "Created" => {
                    status = 201;
                    let Some(inner) = inside.first() else { break };
                    ty = (*inner).clone();
                }
                Some((name, _)) if matches!(name.as_str(), "Response" | "RawJson" | "IntoResponse") => {
                    return (status, told.unwrap_or(json!({})));
                }
                _ => break,
            }
        }
        (status, told.unwrap_or_else(|| self.schema(&ty)))
    }

    fn shape(&self, item: &ItemStruct) -> Value {
        let (mut properties, mut parts) = (Map::new(), Vec::new());
        for field in &item.fields {
            let attributes = serde_words(&field.attrs);
            let name = field.ident.as_ref().map(|i| i.to_string().trim_start_matches("r#").to_owned()).unwrap_or_default();
            if attributes.contains("flatten") || name.is_empty() {
                parts.push(self.schema(&field.ty));
            } else if !attributes.contains("skip") {
                let renamed = attributes.iter().find_map(|a| a.strip_prefix("rename=")).map(str::to_owned);
                properties.insert(renamed.unwrap_or(name), self.schema(&field.ty));
            }
        }
        let own = json!({ "type": "object", "properties": properties });
        match (parts.len(), properties_empty(&own)) {
            (0, _) => own,
            (1, true) => parts.remove(0),
            _ => {
                parts.push(own);
                json!({ "allOf": parts })
            }
        }
    }

    fn schema(&self, ty: &Type) -> Value {
        let Some((name, inside)) = named(ty) else {
            return match ty {
                Type::Reference(reference) => self.schema(&reference.elem),
                Type::Slice(slice) => json!({ "type": "array", "items": self.schema(&slice.elem) }),
                Type::Array(array) => json!({ "type": "array", "items": self.schema(&array.elem) }),
                _ => json!({}),
            };
        };
        let inner = |n: usize| inside.get(n).map_or(json!({}), |t| self.schema(t));
        match name.as_str() {
            "String" | "str" | "Cow" | "HeaderValue" => json!({ "type": "string" }),
            "i64" | "u64" | "i32" | "u32" | "u16" | "usize" => json!({ "type": "integer", "format": "int64" }),
            "f64" | "f32" => json!({ "type": "number" }),
            "bool" => json!({ "type": "boolean" }),
            "Option" | "Box" | "Arc" => inner(0),
            "Vec" | "BTreeSet" | "HashSet" => json!({ "type": "array", "items": inner(0) }),
            "BTreeMap" | "HashMap" | "Map" => json!({ "type": "object", "additionalProperties": inner(1) }),
            "Value" | "RawValue" => json!({}),
            "StatusOk" => json!({ "type": "object", "properties": { "status": { "type": "string", "const": "OK" } } }),
            alias if self.aliases.contains_key(alias) => self.schema(self.aliases[alias]),
            "ApiJson" => inner(0),
            own if self.structs.contains_key(own) => json!({ "$ref": format!("#/components/schemas/{}.{own}", self.name) }),
            entity => json!({ "$ref": format!("#/components/schemas/{entity}") }),
        }
    }
}

fn properties_empty(shape: &Value) -> bool {
    shape["properties"].as_object().is_none_or(Map::is_empty)
}

/// The last segment of a type's path, and its generic types.
fn named(ty: &Type) -> Option<(String, Vec<&Type>)> {
    let segment = match ty {
        Type::Path(path) => path.path.segments.last()?,
        Type::ImplTrait(_) => return Some(("IntoResponse".into(), Vec::new())),
        _ => return None,
    };
    let inside = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => {
            arguments.args.iter().filter_map(|a| if let GenericArgument::Type(t) = a { Some(t) } else { None }).collect()
        }
        _ => Vec::new(),
    };
    Some((segment.ident.to_string(), inside))
}

fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter(|a| a.path().is_ident("doc")).filter_map(|a| match &a.meta {
        Meta::NameValue(pair) => text(&pair.value),
        _ => None,
    });
    lines.map(|l| l.trim().to_owned()).collect::<Vec<_>>().join(" ")
}

fn text(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}

fn derives_serde(item: &ItemStruct) -> bool {
    item.attrs.iter().any(|a| {
        let mut found = false;
        if a.path().is_ident("derive") {
            let _ = a.parse_nested_meta(|meta| {
                found |= meta.path.segments.last().is_some_and(|s| s.ident == "Serialize" || s.ident == "Deserialize");
                Ok(())
            });
        }
        found
    })
}

/// `flatten`, `skip`, `rename=name` … of a field.
fn serde_words(attributes: &[Attribute]) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident("serde")) {
        let _ = attribute.parse_nested_meta(|meta| {
            let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            match meta.value().and_then(|v| v.parse::<syn::LitStr>()) {
                Ok(value) => words.insert(format!("{name}={}", value.value())),
                Err(_) => words.insert(name),
            };
            Ok(())
        });
    }
    words
}

/// `(verb, path, handler)` of every `.verb("path", handler)`.
#[derive(Default)]
struct Routes(Vec<(String, String, String)>);

impl<'ast> Visit<'ast> for Routes {
    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        syn::visit::visit_expr_method_call(self, call);
        let verb = call.method.to_string();
        if VERBS.contains(&verb.as_str())
            && let [path, Expr::Path(handler)] = call.args.iter().collect::<Vec<_>>()[..]
            && let Some(path) = text(path)
        {
            let handler: Vec<String> = handler.path.segments.iter().map(|s| s.ident.to_string()).collect();
            self.0.push((verb, path, handler.join("::")));
        }
    }
}

/// Query parameters: every literal asked of `params`.
#[derive(Default)]
struct Parameters(BTreeSet<String>);

impl<'ast> Visit<'ast> for Parameters {
    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        syn::visit::visit_expr_method_call(self, call);
        if let Expr::Path(receiver) = call.receiver.as_ref()
            && receiver.path.is_ident("params")
            && let Some(name) = call.args.first().and_then(text)
        {
            self.0.insert(name);
        }
    }
}
