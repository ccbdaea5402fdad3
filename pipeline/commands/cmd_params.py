"""``fluorite params``: the parameters, as a JSON file to edit or as a table to read."""

from __future__ import annotations

import json

import click

from pipeline.commands.console import ends_cleanly


@click.command("params")
@click.option("--preset", type=click.Choice(["2p", "1p", "3d"]), default="2p", show_default=True)
@click.option("--table", is_flag=True, help="Print the documented table instead of the JSON file.")
@click.option("--markdown", is_flag=True, help="Print the table as docs/parameters.md has it.")
@click.option("--ideas", is_flag=True, help="Inscopix IDEAS's values in place of the preset's (2p, 1p).")
@ends_cleanly
def params(preset: str, table: bool, markdown: bool, ideas: bool) -> None:
    """Print the parameters of a preset: redirect to a file, edit it, give it to `process --params`."""
    from pipeline.parameters import Parameters, parameter_table
    from pipeline.parameters.document import parameters_markdown
    from pipeline.parameters.ideas import ideas_parameters

    if markdown:
        click.echo(parameters_markdown(), nl=False)
        return
    if not table:
        values = ideas_parameters(preset) if ideas else Parameters.preset(preset)
        click.echo(json.dumps(values.to_dict(), indent=2))
        return
    for row in parameter_table(preset):
        click.echo(f"{row.group}.{row.name} = {json.dumps(row.default)}")
        details = [row.type, row.unit and f"unit: {row.unit}", row.range and f"range: {row.range}"]
        details.append(f"engine: {', '.join(row.honoured_by)}")
        details.append(f"for: {', '.join(row.modes)}")
        details.append(f"from: {row.source}")
        click.echo(f"    {' | '.join(part for part in details if part)}")
        click.echo(f"    {row.help}")
