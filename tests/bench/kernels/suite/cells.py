"""The cells that each kernel runs. `NUMBER` differs from round to round, so that no cell was compiled before."""

COREBOOK, EVCXR, IPYKERNEL = "corebook", "evcxr_jupyter", "ipykernel"

# The kernelspec of each, as `../run` installs it.
KERNELSPECS = {COREBOOK: "corebook", EVCXR: "evcxr", IPYKERNEL: "python3"}

LINES = 20_000

# Kernels that run at once.
TOGETHER = 8

# Cells with a variable before memory is noted.
LETS = 40


def both_rusts(code, python):
    return {COREBOOK: code, EVCXR: code, IPYKERNEL: python}


# Before the first parallel map, as a user of each would write it.
PARALLEL_SETUP = {
    COREBOOK: "%pool",
    EVCXR: ':dep rayon = "1"\nuse rayon::prelude::*;',
    IPYKERNEL: "from functools import partial; from multiprocessing import Pool; from operator import mul; pool = Pool()",
}
PARALLEL_MAP = {
    COREBOOK: "pool.map(|q| q * NUMBER, 0..24i64)",
    EVCXR: "(0..24i64).into_par_iter().map(|q| q * NUMBER).collect::<Vec<_>>()",
    IPYKERNEL: "pool.map(partial(mul, NUMBER), range(24))",
}
SETUP = both_rusts("let x = 5i64; let v: Vec<i64> = (0..10).collect();", "x = 5; v = list(range(10))")

# A kernel has run nothing before these, and one cell of each is timed in each kernel.
FIRST_CELLS = {
    "1 + 1": both_rusts("1 + 1", "1 + 1"),
    "let": both_rusts("let first = vec![1i64, 2, 3];", "first = [1, 2, 3]"),
}

# Cells that have to fail.
FAILING = {
    "wrong type": both_rusts('let wrongNUMBER: i64 = "NUMBER";', "1 + 'NUMBER'"),
    "unknown name": both_rusts("unknownNUMBER + 1", "unknownNUMBER + 1"),
}

CELLS = {
    "expression": both_rusts("x + NUMBER", "x + NUMBER"),
    "println": both_rusts('println!("{}", x + NUMBER);', "print(x + NUMBER)"),
    "let": both_rusts("let yNUMBER = x * NUMBER;", "yNUMBER = x * NUMBER"),
    "collect": both_rusts("v.iter().map(|q| q * NUMBER).collect::<Vec<_>>()", "[q * NUMBER for q in v]"),
    "fn": both_rusts("fn fNUMBER(a: i64) -> i64 { a + NUMBER }", "def fNUMBER(a): return a + NUMBER"),
    "parallel map": PARALLEL_MAP,
    "%timeit": {
        COREBOOK: "%timeit -n 1 -r 1 x + NUMBER",
        IPYKERNEL: "%timeit -n 1 -r 1 x + NUMBER",
    },
}

PRINT_LINES = both_rusts(
    f'for i in 0..{LINES} {{ println!("line {{i}}"); }}',
    f'for i in range({LINES}): print(f"line {{i}}")',
)
PRINTED = "".join(f"line {i}\n" for i in range(LINES))

# Cells of corebook to interrupt. Two print when their code runs. The other one takes long to compile: it sorts arrays of
# 400 lengths.
INTERRUPTED = {
    "pool.map of 1,000 x 50 ms": 'println!("runs"); pool.map(|_| sleep(Duration::from_millis(50)), 0..1000i64);',
    "a compile": "macro_rules! sort { ($($n:literal)*) => { $( let mut v = vec![[NUMBERu8; $n]; 3]; v.sort(); )* } }\nsort!("
    + " ".join(str(length) for length in range(1, 401))
    + ");",
    "loop {}": 'println!("runs"); loop { std::hint::spin_loop(); }',
}
INTERRUPTED_SETUP = "use std::thread::sleep; use std::time::Duration;"

# What a notebook grows by, and the cells that are timed before and after.
GROWN = {
    "expression": "NUMBER + 1",
    "let": "let again = NUMBERi64;",
    "failing": FAILING["wrong type"][COREBOOK],
}
GROWTH = {
    "functions": "fn gNUMBER(a: i64) -> i64 { a + NUMBER }",
    "variables": "let wNUMBER = NUMBERi64;",
    "expressions": "NUMBER + 2",
}

# A variable whose type is not written, and code at whose end Tab is pressed.
LET = both_rusts("let vNUMBER = (0..NUMBERi64).collect::<Vec<_>>();", "vNUMBER = list(range(NUMBER))")
TAB = both_rusts("v1.le", "v1.app")

# A crate that corebook has compiled before.
DEP = {COREBOOK: ':dep rayon = "1"', EVCXR: ':dep rayon = "1"'}

# What `%timeit` measures in a small notebook and in a large one.
LARGE_NOTEBOOK = [
    *(f"fn g{number}(a: i64) -> i64 {{ a.wrapping_mul({number}) }}" for number in range(50)),
    *(f"let w{number}: Vec<i64> = (0..{number}).collect();" for number in range(30)),
]
TIMED_SETUP = "let numbers: Vec<u64> = (0..1000).collect(); let words = vec![String::from(\"word\"); 100];"
TIMED = {
    "sum": "numbers.iter().sum::<u64>()",
    "join": "words.join(\" \")",
    "sort": "{ let mut all = numbers.clone(); all.sort_by_key(|number| number % 17); all }",
}


def numbered(code, number):
    return code.replace("NUMBER", str(number))
