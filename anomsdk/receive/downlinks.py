"""Downlinks for devices: written and read with the fields of decoded events, as the coders in C and JavaScript do."""

from __future__ import annotations

import re
from typing import Any

from anomsdk.core.downlink import LevelOrder
from anomsdk.errors import InputError, quoted

_PLAN_TAG = re.compile(r"[0-9a-fA-F]{4}")


def encoded_downlink(level_tag: int, plan_tag: str) -> bytes:
    """Encode the downlink that puts an alarm level in force on a device.

    Parameters
    ----------
    level_tag : level to put in force, 0: the plan's own, else the number of a rung from 1, the lowest; up to 24
    plan_tag : first 4 hexadecimal digits of the id of the device's plan, as `decoded` gives them of events of 16 bytes

    Returns
    -------
    3 bytes that `Pipeline.take_downlink` and `anom_pipeline_downlink` take

    Raises
    ------
    InputError : the level tag is out of range, or the plan tag has another form

    Examples
    --------
    >>> encoded_downlink(3, "cdab").hex()
    '03cdab'
    """
    if not isinstance(plan_tag, str) or not _PLAN_TAG.fullmatch(plan_tag):
        given = f"'{quoted(plan_tag)}'" if isinstance(plan_tag, str) else type(plan_tag).__name__
        raise InputError(
            f"downlink: `plan_tag`: {given} is no text of 4 hexadecimal digits, with which the plan's id begins"
        )
    return bytes(LevelOrder(level_tag, int.from_bytes(bytes.fromhex(plan_tag), "little")))


def decoded_downlink(data: bytes) -> dict[str, Any]:
    """Decode a downlink into a dictionary that JSON can hold.

    Parameters
    ----------
    data : 3 bytes

    Returns
    -------
    dictionary with the keys level_tag, 0 to 24, and plan_tag, 4 hexadecimal digits

    Raises
    ------
    InputError : there are not 3 bytes, or the level tag is above 24

    Examples
    --------
    >>> decoded_downlink(bytes.fromhex("03cdab"))
    {'level_tag': 3, 'plan_tag': 'cdab'}
    """
    order = LevelOrder.from_bytes(data)
    return {"level_tag": order.level_tag, "plan_tag": order.plan_tag.to_bytes(2, "little").hex()}
