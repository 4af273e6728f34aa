//! Sigma's encodings of values: other dashes, UTF-16, Base64 at each of its offsets.
//!
//! In: a text, the names of modifiers in order. Out: the texts that are looked for. Must not know: fields. After
//! pySigma, whose modifiers the specification describes.

/// The most texts that one value may become.
const MOST: usize = 125;
/// What stands in place of a dash on a Windows command line.
const DASHES: [char; 5] = ['-', '/', '–', '—', '―'];

/// The encoded forms of a text.
pub(super) fn encoded(text: &str, modifiers: &[&str]) -> Result<Vec<String>, String> {
    let mut texts = vec![text.to_owned()];
    let mut bytes: Option<Vec<u8>> = None;
    for modifier in modifiers {
        match *modifier {
            "windash" => {
                let each: Vec<_> = texts.iter().map(|text| dashed(text)).collect::<Result<_, _>>()?;
                texts = each.concat();
            }
            "wide" | "utf16le" => bytes = Some(text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
            "utf16be" => bytes = Some(text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
            "utf16" => {
                let marked = std::iter::once(0xfeff).chain(text.encode_utf16());
                bytes = Some(marked.flat_map(u16::to_le_bytes).collect());
            }
            "base64" => {
                let given = bytes.take().unwrap_or_else(|| text.as_bytes().to_vec());
                texts = vec![base64(&given)];
            }
            "base64offset" => {
                let given = bytes.take().unwrap_or_else(|| text.as_bytes().to_vec());
                texts = offsets(&given);
            }
            _ => return Err(format!("the encoding `{modifier}` is not known")),
        }
    }
    if texts.iter().any(String::is_empty) {
        return Err("the value is too short to be looked for in Base64".to_owned());
    }
    if bytes.is_some() {
        return Err("UTF-16 that is not encoded as text cannot be looked for".to_owned());
    }
    Ok(texts)
}

/// The text with every dash of an option in each of its forms.
fn dashed(text: &str) -> Result<Vec<String>, String> {
    let mut forms = vec![String::new()];
    let mut before: Option<char> = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let is_option = matches!(c, '-' | '/') && !is_word(before) && is_word(chars.peek().copied());
        before = Some(c);
        if !is_option {
            for form in &mut forms {
                form.push(c);
            }
            continue;
        }
        forms = forms.iter().flat_map(|form| DASHES.map(|dash| format!("{form}{dash}"))).collect();
        if forms.len() > MOST {
            return Err(format!("the dashes of the value make more than {MOST} texts"));
        }
    }
    Ok(forms)
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4_usize {
            let index = (group >> (18 - 6 * at)) & 63;
            let letter = LETTERS.get(index as usize).copied().unwrap_or(b'A');
            out.push(if at <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

/// What of a text is the same in Base64 wherever it begins, at each of the three offsets.
fn offsets(bytes: &[u8]) -> Vec<String> {
    const BEGINS: [usize; 3] = [0, 2, 3];
    const ENDS: [usize; 3] = [0, 3, 2];
    let at = |offset: usize| {
        let mut padded = vec![b' '; offset];
        padded.extend(bytes);
        let text = base64(&padded);
        let end = text.len().saturating_sub(ENDS.get(padded.len() % 3).copied().unwrap_or(0));
        text.get(BEGINS.get(offset).copied().unwrap_or(0)..end).unwrap_or_default().to_owned()
    };
    (0..3).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        for (text, wanted) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(text.as_bytes()), wanted);
        }
    }

    #[test]
    fn each_offset_is_found_in_a_longer_text() {
        let forms = encoded("http://", &["base64offset"]).unwrap();
        for (number, before) in ["", "a", "ab"].iter().enumerate() {
            let whole = base64(format!("{before}http://x.example").as_bytes());
            assert!(whole.contains(&forms[number]), "{whole} {forms:?}");
        }
        assert_eq!(encoded("ab", &["wide", "base64"]).unwrap(), ["YQBiAA=="]);
        assert!(encoded("ab", &["wide"]).is_err());
    }

    #[test]
    fn dashes_of_options_have_five_forms() {
        assert_eq!(encoded("a-b -x", &["windash"]).unwrap().len(), 5);
        assert_eq!(encoded(" -f", &["windash"]).unwrap()[1], " /f");
        assert!(encoded("-a -b -c -d", &["windash"]).is_err());
    }
}
