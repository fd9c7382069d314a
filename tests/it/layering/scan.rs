//! Rust sources as tokens: just enough to tell a path from a comment, a string or a lifetime.

use std::path::Path;

/// A path that code names: from `crate`, from a crate's name or from whatever is in scope.
#[derive(Debug, PartialEq)]
pub struct Name {
    /// From 1.
    pub line: usize,
    /// `["crate", "core", "ids"]`; never empty. Paths by `super` and `self` are written from `crate`.
    pub path: Vec<String>,
}

/// An attribute that silences lints.
pub struct Allow {
    /// From 1.
    pub line: usize,
    /// What it silences.
    pub lints: Vec<String>,
    /// Whether it says why.
    pub reason: bool,
}

/// One file.
pub struct Source {
    /// `["core", "filter", "table"]` for `core/filter/table.rs`.
    module: Vec<String>,
    tokens: Vec<Token>,
    names: Vec<Name>,
}

#[derive(Debug, Clone, PartialEq)]
struct Token {
    line: usize,
    text: String,
}

impl Source {
    /// Reads `text` as the file at `path`, relative to `src`.
    pub fn read(path: &Path, text: &str) -> Self {
        let mut module: Vec<String> =
            path.with_extension("").components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
            module.pop();
        }
        let tokens = tokens(text);
        let names = names(&tokens, &module);
        Self { module, tokens, names }
    }

    /// The room that it lies in.
    pub fn room(&self) -> Option<&str> {
        self.module.first().map(String::as_str)
    }

    /// Every path that it names.
    pub fn names(&self) -> &[Name] {
        &self.names
    }

    /// Where one of these words stands.
    pub fn keywords<'a>(&'a self, words: &'a [&str]) -> impl Iterator<Item = (usize, &'a str)> {
        self.tokens.iter().filter(|token| words.contains(&token.text.as_str())).map(|token| (token.line, token.text.as_str()))
    }

    /// Every `allow(..)` and `expect(..)` in an attribute.
    pub fn allows(&self) -> Vec<Allow> {
        let text = |i: usize| self.tokens.get(i).map_or("", |token| token.text.as_str());
        let mut found = Vec::new();
        let mut i = 0;
        while i < self.tokens.len() {
            let start = if text(i) == "#" { i + 1 + usize::from(text(i + 1) == "!") } else { i };
            if text(i) != "#" || text(start) != "[" {
                i += 1;
                continue;
            }
            let end = closing(&self.tokens, start);
            for j in start..end {
                if ["allow", "expect"].contains(&text(j)) && text(j + 1) == "(" {
                    let inside = &self.tokens[j + 2..closing(&self.tokens, j + 1)];
                    let words: Vec<&str> = inside.iter().map(|token| token.text.as_str()).collect();
                    let lints = words.split(|word| *word == ",").map(<[&str]>::concat);
                    let (reasons, lints): (Vec<String>, Vec<String>) =
                        lints.filter(|lint| !lint.is_empty()).partition(|lint| lint.starts_with("reason="));
                    found.push(Allow { line: self.tokens[j].line, lints, reason: !reasons.is_empty() });
                }
            }
            i = end;
        }
        found
    }
}

/// The index of the bracket that closes the one at `open`, or the end.
fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth -= 1;
                if depth == 0 {
                    return i;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}

/// Words, `::` and single signs. Literals become `""`; comments and lifetimes vanish.
fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let at = |i: usize| bytes.get(i).copied().unwrap_or(0);
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80;
    let (mut found, mut i, mut line) = (Vec::new(), 0, 1);
    while i < bytes.len() {
        let start = i;
        let mut literal = false;
        match at(i) {
            b'/' if at(i + 1) == b'/' => {
                while i < bytes.len() && at(i) != b'\n' {
                    i += 1;
                }
                continue;
            }
            b'/' if at(i + 1) == b'*' => {
                let mut depth = 0usize;
                while i < bytes.len() {
                    match (at(i), at(i + 1)) {
                        (b'/', b'*') => (depth, i) = (depth + 1, i + 2),
                        (b'*', b'/') => (depth, i) = (depth - 1, i + 2),
                        _ => i += 1,
                    }
                    if depth == 0 {
                        break;
                    }
                }
                line += text[start..i].matches('\n').count();
                continue;
            }
            b'"' => (i, literal) = (string_end(bytes, i), true),
            b'\'' if at(i + 1) == b'\\' => {
                i += 3;
                while i < bytes.len() && at(i) != b'\'' {
                    i += 1;
                }
                (i, literal) = (i + 1, true);
            }
            b'\'' => match text[i + 1..].chars().next() {
                Some(c) if at(i + 1 + c.len_utf8()) == b'\'' => (i, literal) = (i + c.len_utf8() + 2, true),
                _ => {
                    i += 1;
                    while word(at(i)) {
                        i += 1;
                    }
                    continue;
                }
            },
            b if word(b) => {
                while word(at(i)) {
                    i += 1;
                }
                let hashes = bytes[i..].iter().take_while(|b| **b == b'#').count();
                let raw = ["r", "br", "cr"].contains(&&text[start..i]);
                if raw && at(i + hashes) == b'"' {
                    let end = format!("\"{}", "#".repeat(hashes));
                    let body = i + hashes + 1;
                    i = text[body..].find(&end).map_or(bytes.len(), |length| body + length + end.len());
                    literal = true;
                } else if raw && hashes == 1 {
                    // A raw identifier: its word follows.
                    i += 1;
                    continue;
                } else if ["b", "c"].contains(&&text[start..i]) && [b'"', b'\''].contains(&at(i)) {
                    continue;
                }
            }
            b':' if at(i + 1) == b':' => i += 2,
            b => {
                i += 1;
                if b == b'\n' {
                    line += 1;
                }
                if b.is_ascii_whitespace() {
                    continue;
                }
            }
        }
        found.push(Token { line, text: if literal { "\"\"".to_owned() } else { text[start..i].to_owned() } });
        line += text[start..i].matches('\n').count();
    }
    found
}

/// After the string that starts at `i`.
fn string_end(bytes: &[u8], mut i: usize) -> usize {
    i += 1;
    while i < bytes.len() && bytes[i] != b'"' {
        i += 1 + usize::from(bytes[i] == b'\\');
    }
    (i + 1).min(bytes.len())
}

/// Every path in the tokens of the file that is `module`.
fn names(tokens: &[Token], module: &[String]) -> Vec<Name> {
    let text = |i: usize| tokens.get(i).map_or("", |token| token.text.as_str());
    let is_word = |word: &str| word.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let mut found = Vec::new();
    // Modules inside the file, each with the depth of braces that it opened.
    let (mut inner, mut depth) = (Vec::<(String, usize)>::new(), 0usize);
    let mut i = 0;
    while i < tokens.len() {
        match text(i) {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inner.pop_if(|(_, opened)| *opened == depth);
            }
            "mod" if text(i + 2) == "{" => inner.push((text(i + 1).to_owned(), depth)),
            // `impl Trait + use<'a>` names no path.
            "use" if text(i + 1) != "<" => {
                let here: Vec<String> = module.iter().cloned().chain(inner.iter().map(|(name, _)| name.clone())).collect();
                i += 1 + usize::from(text(i + 1) == "::");
                i = use_tree(tokens, i, &[], &here, &mut found);
                continue;
            }
            word if is_word(word)
                && text(i + 1) == "::"
                && (i == 0 || text(i - 1) != "::" || !is_word(text(i.wrapping_sub(2)))) =>
            {
                let line = tokens[i].line;
                let mut path = vec![word.to_owned()];
                while text(i + 1) == "::" && is_word(text(i + 2)) {
                    path.push(text(i + 2).to_owned());
                    i += 2;
                }
                let here: Vec<String> = module.iter().cloned().chain(inner.iter().map(|(name, _)| name.clone())).collect();
                found.push(Name { line, path: absolute(path, &here) });
            }
            _ => {}
        }
        i += 1;
    }
    found
}

/// Reads one branch of a `use` from `i`; returns the index after it.
fn use_tree(tokens: &[Token], mut i: usize, prefix: &[String], here: &[String], found: &mut Vec<Name>) -> usize {
    let text = |i: usize| tokens.get(i).map_or("", |token| token.text.as_str());
    let mut path = prefix.to_vec();
    let line = tokens.get(i).map_or(1, |token| token.line);
    loop {
        match text(i) {
            "{" => {
                i += 1;
                while i < tokens.len() && text(i) != "}" {
                    i = use_tree(tokens, i, &path, here, found);
                    i += usize::from(text(i) == ",");
                }
                return i + 1;
            }
            "::" | "*" => {}
            "as" => i += 1,
            "," | ";" | "}" | "" => {
                if path.len() > prefix.len() || !path.is_empty() {
                    found.push(Name { line, path: absolute(path, here) });
                }
                return i;
            }
            "self" if !path.is_empty() => {}
            word => path.push(word.to_owned()),
        }
        i += 1;
    }
}

/// The path written from `crate`, if it starts at `self` or `super`.
fn absolute(path: Vec<String>, here: &[String]) -> Vec<String> {
    let ups = path.iter().take_while(|part| *part == "super" || *part == "self").filter(|part| *part == "super").count();
    if !["self", "super"].contains(&path[0].as_str()) {
        return path;
    }
    let rest = path.into_iter().skip_while(|part| part == "super" || part == "self");
    let base = here[..here.len().saturating_sub(ups)].to_vec();
    std::iter::once("crate".to_owned()).chain(base).chain(rest).collect()
}
