//! What the comment lines of a test file say. The language is described where it is run.

/// A test file.
#[derive(Debug, Default)]
pub(crate) struct Case {
    /// Buffers in order of declaration.
    pub(crate) buffers: Vec<Buffer>,
    /// Runs in order.
    pub(crate) runs: Vec<Run>,
}

/// Device memory given to kernels.
#[derive(Debug)]
pub(crate) struct Buffer {
    /// Name.
    pub(crate) name: String,
    /// Type of the elements.
    pub(crate) ty: Element,
    /// Content at the start of each run.
    pub(crate) init: Vec<u8>,
}

/// One launch.
#[derive(Debug)]
pub(crate) struct Run {
    /// Name of the kernel.
    pub(crate) kernel: String,
    /// CTAs.
    pub(crate) grid: [u32; 3],
    /// Threads of a CTA.
    pub(crate) block: [u32; 3],
    /// Dynamic shared memory in bytes.
    pub(crate) shared: u32,
    /// Kernel arguments.
    pub(crate) args: Vec<Arg>,
    /// What buffers hold afterwards.
    pub(crate) expectations: Vec<Expectation>,
    /// How far engines may differ in floating-point buffers.
    pub(crate) agree_ulp: u64,
    /// Part of the text of the error it ends with.
    pub(crate) error: Option<String>,
}

/// A kernel argument.
#[derive(Debug)]
pub(crate) enum Arg {
    /// Address of a buffer.
    Buffer(usize),
    /// Bytes of a number.
    Scalar(Vec<u8>),
}

/// What a buffer holds after a run.
#[derive(Debug)]
pub(crate) struct Expectation {
    /// Index of the buffer.
    pub(crate) buffer: usize,
    /// Content.
    pub(crate) bytes: Vec<u8>,
    /// Distance allowed for floating-point elements.
    pub(crate) ulp: u64,
}

/// Type of the elements of a buffer: a letter for how they are written and compared, and bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element {
    float: bool,
    bits: usize,
}

impl Element {
    fn parse(text: &str) -> Self {
        let (kind, bits) = text.split_at(1);
        assert!(matches!(kind, "b" | "u" | "s" | "f"), "unknown type {text}");
        Self {
            float: kind == "f",
            bits: bits.parse().unwrap(),
        }
    }

    /// Size in bytes.
    pub(crate) const fn bytes(self) -> usize {
        self.bits / 8
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "f32 literals are rounded to single"
    )]
    fn value(self, text: &str) -> Vec<u8> {
        let bits = if let Some(digits) = text.strip_prefix("0x") {
            u64::from_str_radix(digits, 16).unwrap()
        } else if self.float && self.bits == 32 {
            (text.parse::<f64>().unwrap() as f32).to_bits().into()
        } else if self.float {
            assert_eq!(self.bits, 64, "write f16 in hexadecimal");
            text.parse::<f64>().unwrap().to_bits()
        } else {
            text.parse::<i128>().unwrap().to_le_bytes()[..8]
                .try_into()
                .map(u64::from_le_bytes)
                .unwrap()
        };
        bits.to_le_bytes()[..self.bytes()].to_vec()
    }

    fn bits_of(bytes: &[u8]) -> u64 {
        bytes
            .iter()
            .rev()
            .fold(0, |value, &byte| value << 8 | u64::from(byte))
    }

    /// How an element is shown.
    pub(crate) fn show(self, bytes: &[u8]) -> String {
        let bits = Self::bits_of(bytes);
        match (self.float, self.bits) {
            (true, 32) => format!(
                "{:e} ({bits:#x})",
                f32::from_bits(u32::try_from(bits).unwrap())
            ),
            (true, 64) => format!("{:e} ({bits:#x})", f64::from_bits(bits)),
            _ => format!("{bits} ({bits:#x})"),
        }
    }

    /// Whether two elements are equal, or floats not further apart than `ulp`.
    pub(crate) fn close(self, a: &[u8], b: &[u8], ulp: u64) -> bool {
        if a == b {
            return true;
        }
        if !self.float {
            return false;
        }
        let sign = 1_u64 << (self.bits - 1);
        let infinity = match self.bits {
            16 => 0x7c00,
            32 => 0x7f80_0000,
            _ => 0x7ff0_0000_0000_0000,
        };
        let (a, b) = (Self::bits_of(a), Self::bits_of(b));
        let nan = |bits: u64| bits & (sign - 1) > infinity;
        if nan(a) || nan(b) {
            return nan(a) && nan(b);
        }
        let line = |bits: u64| {
            let magnitude = i128::from(bits & (sign - 1));
            if bits & sign == 0 {
                magnitude
            } else {
                -magnitude
            }
        };
        ulp > 0 && line(a).abs_diff(line(b)) <= u128::from(ulp)
    }
}

impl Case {
    /// Reads the comment lines at the start of a file.
    pub(crate) fn parse(source: &str) -> Self {
        let mut case = Self::default();
        for line in source.lines().map_while(|line| line.strip_prefix("//")) {
            let line = line.trim();
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "buffer" => case.add_buffer(rest),
                "run" => case.add_run(rest),
                "expect" => case.add_expectation(rest),
                "agree" => {
                    let (_, ulp) = distance(rest);
                    case.runs.last_mut().unwrap().agree_ulp = ulp;
                }
                "error" => case.runs.last_mut().unwrap().error = Some(rest.to_owned()),
                _ => {}
            }
        }
        case
    }

    fn add_buffer(&mut self, text: &str) {
        let (declaration, init) = text.split_once('=').unwrap();
        let (name, ty) = declaration.split_once(':').unwrap();
        let (ty, count) = ty.trim().trim_end_matches(']').split_once('[').unwrap();
        let (ty, count) = (Element::parse(ty), count.parse::<usize>().unwrap());
        let words: Vec<&str> = init.split_whitespace().collect();
        let number = |index: usize, default: i64| {
            words
                .get(index)
                .map_or(default, |word| word.parse::<i64>().unwrap())
        };
        let bytes = count * ty.bytes();
        let init = match words[0] {
            "zero" => vec![0; bytes],
            "iota" => (0..i64::try_from(count).unwrap())
                .flat_map(|index| ty.value(&(number(1, 0) + index * number(2, 1)).to_string()))
                .collect(),
            "random" => random(number(1, 1).unsigned_abs(), bytes),
            _ => {
                let list = words.iter().flat_map(|word| ty.value(word));
                list.collect::<Vec<u8>>()
                    .into_iter()
                    .cycle()
                    .take(bytes)
                    .collect()
            }
        };
        self.buffers.push(Buffer {
            name: name.trim().to_owned(),
            ty,
            init,
        });
    }

    fn buffer(&self, name: &str) -> Option<usize> {
        self.buffers.iter().position(|buffer| buffer.name == name)
    }

    fn add_run(&mut self, text: &str) {
        let (options, args) = text.split_once("args=").unwrap_or((text, ""));
        let mut words = options.split_whitespace();
        let mut run = Run {
            kernel: words.next().unwrap().to_owned(),
            grid: [1; 3],
            block: [1; 3],
            shared: 0,
            args: Vec::new(),
            expectations: Vec::new(),
            agree_ulp: 0,
            error: None,
        };
        for word in words {
            let (key, value) = word.split_once('=').unwrap();
            let mut extents = [1; 3];
            for (extent, number) in extents.iter_mut().zip(value.split(',')) {
                *extent = number.parse().unwrap();
            }
            match key {
                "grid" => run.grid = extents,
                "block" => run.block = extents,
                "shared" => run.shared = extents[0],
                _ => panic!("unknown option {key}"),
            }
        }
        for arg in args.split(',').map(str::trim).filter(|arg| !arg.is_empty()) {
            run.args.push(match arg.split_once(':') {
                Some((value, ty)) => Arg::Scalar(Element::parse(ty).value(value)),
                None => Arg::Buffer(self.buffer(arg).unwrap()),
            });
        }
        self.runs.push(run);
    }

    fn add_expectation(&mut self, text: &str) {
        let (name, values) = text.split_once('=').unwrap();
        let (name, ulp) = distance(name);
        let buffer = self.buffer(name.trim()).unwrap();
        let ty = self.buffers[buffer].ty;
        let list: Vec<u8> = values
            .split_whitespace()
            .flat_map(|word| ty.value(word))
            .collect();
        let length = self.buffers[buffer].init.len();
        let bytes = list.into_iter().cycle().take(length).collect();
        self.runs
            .last_mut()
            .unwrap()
            .expectations
            .push(Expectation { buffer, bytes, ulp });
    }
}

/// `name within N ulp`: the name and the number.
fn distance(text: &str) -> (&str, u64) {
    match text.split_once("within") {
        Some((name, rest)) => (
            name,
            rest.trim().trim_end_matches("ulp").trim().parse().unwrap(),
        ),
        None => (text, 0),
    }
}

/// Bytes of xorshift64*, from a seed.
fn random(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    };
    (0..bytes).map(|_| next().to_le_bytes()[7]).collect()
}
