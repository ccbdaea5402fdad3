"""What can be set: CaImAn's parameters under CaImAn's names, with presets, help and limits."""

from pipeline.parameters.parameters import Parameters, load_parameters
from pipeline.parameters.presets import PresetName
from pipeline.parameters.table import ParameterRow, parameter_table

__all__ = ["ParameterRow", "Parameters", "PresetName", "load_parameters", "parameter_table"]
