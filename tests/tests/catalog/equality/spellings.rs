//! Values in many spellings, drawn so that they collide: a few bases, each written in ways that
//! some type takes for the same.

use larder_core::Param;
use larder_sql::Dialect;

/// A parameter, by the class in which a driver sends it.
#[derive(Clone, Debug)]
pub(super) enum Sent {
    Null,
    Bool(bool),
    Int16(i16),
    Int32(i32),
    Int64(i64),
    /// MySQL alone.
    Unsigned(u64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    Uuid([u8; 16]),
    /// Days since 1970-01-01.
    Date(i64),
    /// Microseconds since 1970-01-01 00:00.
    Timestamp(i64),
    /// Microseconds since the epoch.
    Instant(i64),
    Decimal(String),
}

impl Sent {
    /// As the adapters write it down.
    pub(super) fn param(&self, dialect: Dialect) -> Param<'_> {
        match self {
            Self::Null => Param::Null,
            Self::Bool(value) => Param::Bool(*value),
            Self::Int16(value) => Param::Int((*value).into()),
            Self::Int32(value) => Param::Int((*value).into()),
            Self::Int64(value) => Param::Int((*value).into()),
            Self::Unsigned(value) => Param::Int((*value).into()),
            Self::Float(value) => Param::Float(*value),
            Self::Text(value) => Param::Text(value.into()),
            Self::Bytes(value) => Param::Bytes(value.into()),
            Self::Uuid(value) if dialect == Dialect::Postgres => Param::Uuid(*value),
            Self::Uuid(value) => Param::Bytes(value.as_slice().into()),
            Self::Date(days) => Param::Date(*days),
            Self::Timestamp(micros) => Param::Timestamp(*micros),
            // It goes out as a text with an offset.
            Self::Instant(_) if dialect != Dialect::Postgres => {
                Param::Other("instant", Vec::new().into())
            }
            Self::Instant(micros) => Param::TimestampTz(*micros),
            Self::Decimal(value) => Param::Decimal(value.into()),
        }
    }
}

/// The literals and parameters of one column and seed.
pub(super) struct Spellings {
    pub(super) dialect: Dialect,
    pub(super) random: fastrand::Rng,
    pub(super) literals: Vec<String>,
    pub(super) parameters: Vec<Sent>,
}

impl Spellings {
    /// NULL, and values of classes that are never the column's own or only sometimes.
    pub(super) fn new(dialect: Dialect, seed: u64) -> Self {
        let mut spellings = Self {
            dialect,
            random: fastrand::Rng::with_seed(seed),
            literals: Vec::new(),
            parameters: vec![
                Sent::Null,
                Sent::Bool(true),
                Sent::Float(1.0),
                Sent::Int64(1),
            ],
        };
        spellings
            .parameters
            .extend([Sent::Int16(0), Sent::Int32(1), Sent::Float(-0.0)]);
        spellings.parameters.push(Sent::Text("1".into()));
        spellings.parameters.push(Sent::Bytes(b"1".to_vec()));
        spellings.literals(&["NULL", "NULL", "1", "'1'", "1.0", "'01'", "TRUE"]);
        spellings
    }

    pub(super) fn literals(&mut self, literals: &[&str]) {
        self.literals
            .extend(literals.iter().map(|it| (*it).to_owned()));
    }

    /// A literal and a parameter of the same text.
    pub(super) fn text(&mut self, text: &str) {
        self.literals.push(self.quoted(text));
        self.parameters.push(Sent::Text(text.into()));
    }

    pub(super) fn texts(&mut self, texts: &[&str]) {
        texts.iter().for_each(|text| self.text(text));
    }

    fn quoted(&self, text: &str) -> String {
        let text = text.replace('\'', "''");
        match self.dialect {
            Dialect::MySql => format!("'{}'", text.replace('\\', "\\\\")),
            _ => format!("'{text}'"),
        }
    }

    fn draw<'a, T>(&mut self, pool: &'a [T], most: usize) -> Vec<&'a T> {
        (0..most)
            .map(|_| &pool[self.random.usize(..pool.len())])
            .collect()
    }
}

/// Words whose case, accents, width, padding and form differ.
pub(super) fn words(to: &mut Spellings) {
    to.texts(&["", "a", "A", "a ", "á", "a\u{301}", "ab"]);
    for base in to.draw(WORDS, 8) {
        let word = match to.random.u8(..8) {
            0 => base.to_uppercase(),
            1 => format!("{base} "),
            2 => format!("{base}  "),
            3 => format!(" {base}"),
            4 => format!("{base}\u{301}"),
            5 => format!("{base}\t"),
            6 => format!("{base}\u{200b}"),
            _ => (*base).to_owned(),
        };
        // Columns of three characters take most of them whole.
        to.text(&word.chars().take(3).collect::<String>());
    }
    to.literals(match to.dialect {
        Dialect::Postgres => POSTGRES_TEXTS,
        Dialect::MySql => MYSQL_TEXTS,
        _ => SQLITE_TEXTS,
    });
}

const WORDS: &[&str] = &[
    "a", "A", "ä", "b", "ab", "aB", "ß", "ss", "ﬁ", "fi", "i", "I", "ı", "İ", "e", "é", "ｅ", "1",
    "01", "1.0", "-0", "1e0", "😀", "😁", "a\\b", "a'b", "%", "_", "ǆ", "Ω", "Ω", "null", "\u{a0}",
];
const POSTGRES_TEXTS: &[&str] = &[
    "E'a'",
    "E'\\x61'",
    "E'a\\tb'",
    "$$a$$",
    "$x$a $x$",
    "U&'\\0061'",
    "N'a'",
    "'a'::text",
    "'a'::char(3)",
    "'ab'::varchar(1)",
    "'a'::name",
    "'A' COLLATE loose",
    "'a ' COLLATE \"C\"",
    "('a')",
    "'a' 'b'",
    "'a'\n'b'",
    "lower('A')",
    "'a' || ''",
];
const MYSQL_TEXTS: &[&str] = &[
    "\"a\"",
    "N'a'",
    "_utf8mb4'a'",
    "_latin1'a'",
    "_binary'a'",
    "_latin1 X'E1'",
    "X'61'",
    "x'41'",
    "0x61",
    "b'01100001'",
    "'a' 'b'",
    "'A' COLLATE utf8mb4_general_ci",
    "'a ' COLLATE utf8mb4_bin",
    "BINARY 'a'",
    "('a')",
    "'\\a'",
    "'a\\tb'",
    "'a\\0'",
    "'a\\%'",
    "LOWER('A')",
    "CAST('a' AS CHAR(3))",
];
const SQLITE_TEXTS: &[&str] = &[
    "'A' COLLATE NOCASE",
    "'a ' COLLATE RTRIM",
    "'A' COLLATE BINARY",
    "('a')",
    "X'61'",
    "x'41'",
    "CAST(X'61' AS TEXT)",
    "lower('A')",
    "'a' || char(0)",
    "'a' || char(0) || 'b'",
    "CAST(X'C3' AS TEXT)",
    "CAST(X'C328' AS TEXT)",
    "CAST(X'EFBFBD' AS TEXT)",
];

/// Integers around the ends of every width, and numbers that some comparison takes for them.
pub(super) fn integers(to: &mut Spellings) {
    let mut numbers: Vec<i128> = vec![0, 1, -1, 5];
    for base in to.draw(ENDS, 6) {
        numbers.push(base + i128::from(to.random.i8(-1..2)));
    }
    for number in numbers {
        to.literals.push(number.to_string());
        let spelled = match to.random.u8(..12) {
            0 => format!("{number}.0"),
            1 => format!("'{number}'"),
            2 => format!("' {number}'"),
            3 => format!("'{number}x'"),
            4 => format!("{number}e0"),
            5 => format!("{number}.4"),
            6 => format!("({number})"),
            7 => format!("'{number}.0'"),
            8 if number >= 0 => format!("+0{number}"),
            9 if number >= 0 => format!("'0{number}'"),
            10 if number < 0 => format!("- {}", -number),
            _ => format!("CAST({number} AS {})", to.decimal_type()),
        };
        to.literals.push(spelled);
        if let Ok(number) = i64::try_from(number) {
            to.parameters.push(Sent::Int64(number));
            #[expect(clippy::cast_precision_loss, reason = "what it loses is the point")]
            to.parameters.push(Sent::Float(number as f64));
        }
        if let (Dialect::MySql, Ok(number)) = (to.dialect, u64::try_from(number)) {
            to.parameters.push(Sent::Unsigned(number));
        }
        to.parameters.push(Sent::Decimal(number.to_string()));
    }
    to.literals(&[
        "FALSE", "-0", "1e0", "0x1", "X'01'", "'1'", "1.5", "'abc'", "''",
    ]);
    to.parameters
        .extend([Sent::Bool(false), Sent::Int16(-1), Sent::Int32(5)]);
}

/// Where integers of one width end, and where doubles stop telling them apart.
const ENDS: &[i128] = &[
    1 << 7,
    -(1 << 7),
    1 << 8,
    1 << 15,
    -(1 << 15),
    1 << 16,
    1 << 23,
    1 << 24,
    1 << 31,
    -(1 << 31),
    1 << 32,
    1 << 53,
    -(1 << 53),
    (1 << 53) + 2,
    (1 << 63) - 1,
    -(1 << 63),
    1 << 63,
    (1 << 64) - 1,
];

/// Decimals of other scales, signs and zeros.
pub(super) fn decimals(to: &mut Spellings) {
    let mut bases: Vec<String> = ["0", "1", "1.5", "-1.5"].map(String::from).to_vec();
    for base in to.draw(DECIMALS, 5) {
        bases.push((*base).to_owned());
    }
    bases.push(format!(
        "{}.{}",
        to.random.i32(-20..20),
        to.random.u8(..100)
    ));
    for base in bases {
        let point = if base.contains('.') { "" } else { "." };
        let scaled = format!("{base}{point}{}", "0".repeat(1 + to.random.usize(..3)));
        let (sign, digits) = base
            .strip_prefix('-')
            .map_or(("", &*base), |digits| ("-", digits));
        for spelled in [base.clone(), scaled, format!("{sign}00{digits}")] {
            to.parameters.push(Sent::Decimal(spelled.clone()));
            if to.random.bool() {
                to.literals.push(format!("'{spelled}'"));
            }
            to.literals.push(spelled);
        }
        to.literals
            .push(format!("CAST({base} AS {})", to.decimal_type()));
        to.parameters.push(Sent::Float(base.parse().unwrap()));
    }
    to.literals(&[
        "-0.0", "'-0.0'", "0.00", "+0.0", "1e0", "1.0e0", ".5", "0.5", "'.5'", "5.",
    ]);
}

const DECIMALS: &[&str] = &[
    "0.5",
    "0.005",
    "1.005",
    "1.004",
    "1.01",
    "10",
    "100",
    "999999.99",
    "99999999.99",
    "-99999999.99",
    "12345678901234567890.5",
    "9007199254740993",
    "9007199254740992",
    "0.1",
    "0.30000000000000004",
    "0.3",
    "1234567890.12345678901234567891",
    "79228162514264337593543950335",
];

impl Spellings {
    fn decimal_type(&self) -> &'static str {
        match self.dialect {
            Dialect::MySql => "DECIMAL(65, 3)",
            _ => "NUMERIC",
        }
    }
}

/// Floats: two zeros, and what rounds to one.
pub(super) fn floats(to: &mut Spellings) {
    to.literals(&[
        "0", "0.0", "-0.0", "-0", "'-0'", "0.1", "0.10", "1e-1", "16777217", "16777216",
    ]);
    for number in [0.0, -0.0, 0.1, 0.1_f32.into(), 16_777_217.0, 1e300] {
        to.parameters.push(Sent::Float(number));
    }
    to.parameters.push(Sent::Decimal("0.10".into()));
}

/// Bytes with zeros and spaces at the end; three of them fill `binary(3)`.
pub(super) fn bytes(to: &mut Spellings) {
    let mut values: Vec<Vec<u8>> = vec![vec![], b"a".to_vec(), b"a ".to_vec(), b"abc".to_vec()];
    values.extend([
        b"a\0".to_vec(),
        b"a\0\0".to_vec(),
        b"A".to_vec(),
        b"ABC".to_vec(),
    ]);
    for _ in 0..4 {
        let length = to.random.usize(..4);
        values.push(
            (0..length)
                .map(|_| *to.random.choice(b"aA \0\xff\xe4").unwrap())
                .collect(),
        );
    }
    for value in values {
        let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
        match to.dialect {
            Dialect::Postgres => to.literals.extend([
                format!("'\\x{hex}'"),
                format!("'\\x{}'", hex.to_uppercase()),
                format!("'\\x{hex}'::bytea"),
            ]),
            Dialect::MySql => to
                .literals
                .extend([format!("X'{hex}'"), format!("0x{hex}")]),
            _ => to.literals.push(format!("X'{hex}'")),
        }
        to.parameters.push(Sent::Bytes(value.clone()));
        if let Some(text) = String::from_utf8(value)
            .ok()
            .filter(|it| !it.contains('\0'))
        {
            to.text(&text);
        }
    }
    to.text("\\101");
    to.literals(&["X'6'", "'\\x 61 62'"]);
}

/// Dates and timestamps of one evening in every class of parameter, in the zones of `OFFSETS` too.
pub(super) fn moments(to: &mut Spellings) {
    // Around midnight UTC, where the day turns; and the ends of what all servers share.
    let edges = [-719_162, 2_932_896, -1, 0, 19_782, 19_782, 19_783, 10_957];
    for _ in 0..4 {
        let days = to.random.choice(edges).unwrap();
        to.parameters.push(Sent::Date(days));
        let fractions = [0, 0, 500_000, 1_000, 1, 999_999, 400_000, 123_456];
        let fraction = to.random.choice(fractions).unwrap();
        let hour = to.random.choice([0, 0, 12, 23]).unwrap();
        let micros = days * DAY_MICROS + hour * 3_600_000_000 + fraction;
        for micros in [micros, micros - fraction] {
            to.parameters
                .extend([Sent::Timestamp(micros), Sent::Instant(micros)]);
        }
    }
    for _ in 0..8 {
        let day = *to.random.choice(DAYS).unwrap();
        let time = *to.random.choice(TIMES).unwrap();
        let offset = *to.random.choice(OFFSETS).unwrap();
        let separator = if to.random.u8(..6) == 0 { "T" } else { " " };
        to.literals.push(format!("'{day}'"));
        to.literals.push(format!("'{day}{separator}{time}'"));
        to.literals.push(format!("'{day} {time}{offset}'"));
        if to.random.bool() {
            to.parameters
                .push(Sent::Text(format!("{day} {time}{offset}")));
        }
    }
    to.literals(&[
        "'2024-02-29'",
        "'2024-02-29 00:00:00'",
        "'2024-02-29 00:00:00+00'",
    ]);
    to.literals(match to.dialect {
        Dialect::Postgres => POSTGRES_MOMENTS,
        _ => MYSQL_MOMENTS,
    });
}

const DAY_MICROS: i64 = 86_400_000_000;
const DAYS: &[&str] = &[
    "2024-02-29",
    "2024-02-29",
    "2024-03-01",
    "2024-2-29",
    "20240229",
    "2000-01-01",
    "1969-12-31",
    "0001-01-01",
    "9999-12-31",
    "0099-01-01",
    "1900-02-28",
    "24-02-29",
];
const TIMES: &[&str] = &[
    "00:00:00",
    "00:00:00",
    "00:00",
    "12:00:00",
    "12:00:00.0",
    "12:00:00.5",
    "12:00:00.500",
    "12:00:00.4999999",
    "23:59:59.9999996",
    "23:59:59.999999",
    "24:00:00",
    "00:00:00.000001",
    "23:59:60",
];
const OFFSETS: &[&str] = &[
    "", "+00", "+00:00", "-00", "Z", "+01", "-01:30", "+05:45", "+14", " UTC",
];
const POSTGRES_MOMENTS: &[&str] = &[
    "'infinity'",
    "'-infinity'",
    "'0001-12-31 BC'",
    "'0001-01-01'",
    "'10000-01-01'",
    "'9999-12-31 23:59:59.999999+00'",
    "'0001-01-01 00:00:00+00'",
    "'0001-01-01 00:00:00+14'",
    "'9999-12-31 23:59:59-14'",
    "'February 29, 2024'",
    "'29/02/2024'",
    "'2024-02-29 01:00:00+01'",
    "'2024-02-28 22:30:00-01:30'",
    "DATE '2024-02-29'",
    "TIMESTAMP '2024-02-29 00:00:00'",
    "TIMESTAMPTZ '2024-02-29 00:00:00+00'",
    "'2024-02-29 12:00:00.5'::timestamp(0)",
    "'epoch'",
];
const MYSQL_MOMENTS: &[&str] = &[
    "'0000-00-00'",
    "'0000-00-00 00:00:00'",
    "'2024-00-00'",
    "'2024-01-00'",
    "'0000-01-01'",
    "'2024-02-30'",
    "'2024-02-31'",
    "'2024-03-02'",
    "0",
    "20240229",
    "20240229000000",
    "DATE '2024-02-29'",
    "DATE'0000-00-00'",
    "TIMESTAMP '2024-02-29 00:00:00'",
    "'2024/02/29'",
    "'2024-02-29 12:00:00.5'",
    "{d '2024-02-29'}",
];
