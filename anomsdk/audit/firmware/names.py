"""Symbols that the C port may need from outside, and those that give a reason for a finding."""

from __future__ import annotations

import re

_INTEGER = (
    r"(?:u?div|u?mod|u?divmod|mul|ash[lr]|lshr|neg|clz|ctz|popcount|bswap|ffs|u?cmp|parity|(?:add|sub|mul|neg|abs)v)"
)
_ALLOWED = re.compile(
    r"(?:mem(?:cpy|move|set)|__mem(?:cpy|move|set)_chk"
    r"|__aeabi_(?!errno_addr|atexit|assert)\w+"
    rf"|__{_INTEGER}[qhsdt]i\d?"
    r"|__gnu_thumb1_case_\w+|__ARM_common_\w+|__riscv_(?:save|restore)_\d+"
    r"|__cpu_(?:model|features2|indicator_init)"
    r"|__stack_chk_(?:fail|fail_local|guard)|_GLOBAL_OFFSET_TABLE_|__x86\.get_pc_thunk\.\w+)$"
)
_REASONS = {
    "heap": r"_?(?:malloc|calloc|realloc|free|memalign|aligned_alloc|posix_memalign|sbrk|(?:malloc|free)_r)(?:_r)?$"
    r"|pvPortMalloc|vPortFree|_Zn[wa]|_Zd[la]|k_malloc|k_free",
    "output or files": r"_?(?:v?(?:[sfdai]|sn|vs|asn?i|s?ni|fi|si)?i?printf|puts|putc|putchar|fputs|fputc|fwrite|fread"
    r"|fopen|freopen|fclose|fflush|open|close|read|write|scanf|sscanf|getchar|gets|fgets|perror|printk|syslog)(?:_r)?$"
    r"|__printf_chk|__fprintf_chk|__sprintf_chk|__assert\w*",
    "network": r"(?:socket|send|sendto|recv|connect|bind|listen)$",
    "instrumentation": r"__(?:asan|ubsan|tsan|msan|sanitizer|gcov|llvm_prof|cyg_profile)\w*|mcount$|__gnu_mcount\w*",
    "floating-point library": r"(?:log|log2|log10|exp|pow|sqrt|sin|cos|tan|floor|ceil|round)f?$",
}
_KINDS = {kind: re.compile(pattern) for kind, pattern in _REASONS.items()}


def is_allowed(name: str) -> bool:
    """Tell whether the C port may need this symbol: copying and zeroing, and the compiler's own helpers."""
    return _ALLOWED.match(name) is not None


def kind_of(name: str) -> str:
    """Say what a symbol that is not allowed is for: ``heap``, ``output or files``, ...; else ``other``."""
    return next((kind for kind, pattern in _KINDS.items() if pattern.match(name)), "other")
