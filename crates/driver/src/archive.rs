//! Archives of object files (`ar`), as linkers take libraries.

use crate::error::Error;

const MAGIC: &[u8] = b"!<arch>\n";
const HEADER_BYTES: usize = 60;

/// The members of an archive: name and content, without its tables of symbols and names.
///
/// # Errors
///
/// [`Error::InvalidImage`] if it is no archive or is cut off.
pub(crate) fn members(data: &[u8]) -> Result<Vec<(String, &[u8])>, Error> {
    let broken = || Error::InvalidImage("a library that is no archive of objects".to_owned());
    let mut rest = data.strip_prefix(MAGIC).ok_or_else(broken)?;
    let mut found = Vec::new();
    let mut long_names: &[u8] = &[];
    while !rest.is_empty() {
        let (header, after) = rest.split_at_checked(HEADER_BYTES).ok_or_else(broken)?;
        let field =
            |from: usize, to: usize| String::from_utf8_lossy(&header[from..to]).into_owned();
        let bytes: usize = field(48, 58).trim().parse().map_err(|_| broken())?;
        let content = after.get(..bytes).ok_or_else(broken)?;
        // Members begin at even offsets.
        rest = after.get(bytes.next_multiple_of(2)..).unwrap_or_default();
        match field(0, 16).trim_end() {
            "/" | "/SYM64/" => {}
            "//" => long_names = content,
            name => found.push((member_name(name, long_names), content)),
        }
    }
    Ok(found)
}

/// GNU names end with a slash; long ones are a slash and an offset in the table of names.
fn member_name(field: &str, long_names: &[u8]) -> String {
    let offset = field
        .strip_prefix('/')
        .and_then(|offset| offset.parse().ok());
    let long = offset.and_then(|offset: usize| long_names.get(offset..));
    match long {
        Some(name) => {
            let end = name.iter().position(|&byte| matches!(byte, b'/' | b'\n'));
            String::from_utf8_lossy(&name[..end.unwrap_or(name.len())]).into_owned()
        }
        None => field.trim_end_matches('/').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, content: &[u8]) -> Vec<u8> {
        let mut bytes = format!(
            "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
            0,
            0,
            0,
            644,
            content.len()
        )
        .into_bytes();
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(2), b'\n');
        bytes
    }

    #[test]
    fn members_have_their_short_and_long_names() {
        let mut archive = MAGIC.to_vec();
        archive.extend(member("/", b"symbols"));
        archive.extend(member("//", b"a_name_that_is_long.o/\nother.o/\n"));
        archive.extend(member("short.o/", b"one"));
        archive.extend(member("/0", b"two!"));
        archive.extend(member("/23", b""));
        let found = members(&archive).unwrap();
        let expected: Vec<(String, &[u8])> = vec![
            ("short.o".to_owned(), b"one"),
            ("a_name_that_is_long.o".to_owned(), b"two!"),
            ("other.o".to_owned(), b""),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        let mut archive = MAGIC.to_vec();
        archive.extend(member("short.o/", b"some content"));
        for end in [0, 5, MAGIC.len() + 10, archive.len() - 5] {
            assert!(members(&archive[..end]).is_err(), "{end}");
        }
    }
}
