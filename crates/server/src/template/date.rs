//! `strftime_now` of templates: dates in UTC, by Python's directives.

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
];
const SECONDS_PER_DAY: i64 = 86_400;

/// `format` at a number of seconds since 1970. A directive that is not known is an error.
pub(super) fn format(format: &str, unix_seconds: i64) -> Result<String, String> {
    let days = unix_seconds.div_euclid(SECONDS_PER_DAY);
    let second = unix_seconds.rem_euclid(SECONDS_PER_DAY);
    let (year, month, day) = civil(days);
    let month_name = MONTHS[usize::try_from(month - 1).unwrap_or(0)];
    let day_name = DAYS[usize::try_from(days.rem_euclid(7)).unwrap_or(0)];
    let mut text = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('Y') => text.push_str(&year.to_string()),
            Some('y') => text.push_str(&format!("{:02}", year.rem_euclid(100))),
            Some('m') => text.push_str(&format!("{month:02}")),
            Some('d') => text.push_str(&format!("{day:02}")),
            Some('B') => text.push_str(month_name),
            Some('b') => text.push_str(&month_name[..3]),
            Some('A') => text.push_str(day_name),
            Some('a') => text.push_str(&day_name[..3]),
            Some('H') => text.push_str(&format!("{:02}", second / 3600)),
            Some('M') => text.push_str(&format!("{:02}", second / 60 % 60)),
            Some('S') => text.push_str(&format!("{:02}", second % 60)),
            Some('%') => text.push('%'),
            Some(other) => return Err(format!("strftime_now: `%{other}` is not supported")),
            None => return Err("strftime_now: the format ends after `%`".to_owned()),
        }
    }
    Ok(text)
}

/// Year, month and day of a day number, day 0 being 1970-01-01. The algorithm is
/// `civil_from_days` of Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms".
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::format;

    #[test]
    fn dates_are_those_of_the_date_command() {
        // `date -u -d @SECONDS '+%a %A %d %b %B %Y %y %m %H:%M:%S'`
        for (seconds, expected) in [
            (0, "Thu Thursday 01 Jan January 1970 70 01 00:00:00"),
            (
                951_827_696,
                "Tue Tuesday 29 Feb February 2000 00 02 12:34:56",
            ),
            (
                1_795_564_799,
                "Tue Tuesday 24 Nov November 2026 26 11 23:59:59",
            ),
            (4_107_542_400, "Mon Monday 01 Mar March 2100 00 03 00:00:00"),
            (-1, "Wed Wednesday 31 Dec December 1969 69 12 23:59:59"),
        ] {
            let text = format("%a %A %d %b %B %Y %y %m %H:%M:%S", seconds);
            assert_eq!(text.as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert!(format("%Q", 0).is_err());
        assert!(format("%", 0).is_err());
    }
}
