"""NGSI-LD entities (ETSI GS CIM 009) of the Smart Data Models that are read, with every field that the models have.

Attributes come normalized (``{"type": "Property", "value": 5}``), concise (``{"value": 5}``) or as plain values; times also as
``{"@type": "DateTime", "@value": "…"}``.
"""

from __future__ import annotations

import msgspec

from ruimte.intake.devices.payload import IGNORED, Ignored, Sent


class Attribute(Sent, frozen=True, kw_only=True, rename="camel"):
    """An attribute that is not a plain value, or a typed value in one."""

    type: str = ""
    value: Attribute | str | float | bool | None = None
    object: str | list[str] | None = None
    unit_code: str | None = None
    observed_at: str | None = None
    typed: Ignored = msgspec.field(name="@type", default=IGNORED)
    typed_value: str | float | bool | None = msgspec.field(name="@value", default=None)
    metadata: Ignored = IGNORED
    dataset_id: Ignored = IGNORED
    instance_id: Ignored = IGNORED
    created_at: Ignored = IGNORED
    modified_at: Ignored = IGNORED
    previous_value: Ignored = IGNORED
    previous_object: Ignored = IGNORED


Given = Attribute | str | float | bool | None
"""An attribute as an entity holds it; None where it does not."""


class Entity(Sent, frozen=True, kw_only=True, rename="camel", tag_field="type"):
    """What all of the models have."""

    id: str
    date_observed: Given = None
    date_observed_from: Given = None
    date_observed_to: Given = None
    ref_device: Attribute | str | list[str] | None = None
    context: Ignored = msgspec.field(name="@context", default=IGNORED)
    address: Ignored = IGNORED
    alternate_name: Ignored = IGNORED
    area_served: Ignored = IGNORED
    created_at: Ignored = IGNORED
    data_provider: Ignored = IGNORED
    date_created: Ignored = IGNORED
    date_modified: Ignored = IGNORED
    description: Ignored = IGNORED
    location: Ignored = IGNORED
    modified_at: Ignored = IGNORED
    name: Ignored = IGNORED
    observation_space: Ignored = IGNORED
    operation_space: Ignored = IGNORED
    owner: Ignored = IGNORED
    ref_point_of_interest: Ignored = IGNORED
    scope: Ignored = IGNORED
    see_also: Ignored = IGNORED
    source: Ignored = IGNORED


class CrowdFlowObserved(Entity, frozen=True, kw_only=True, rename="camel", tag_field="type"):
    """dataModel.Transportation, CrowdFlowObserved 0.0.3."""

    people_count: Given = None
    people_count_towards: Given = None
    people_count_away: Given = None
    occupancy: Given = None
    average_crowd_speed: Given = None
    average_headway_time: Ignored = IGNORED
    congested: Ignored = IGNORED
    direction: Ignored = IGNORED
    ref_road_segment: Ignored = IGNORED


class ItemFlowObserved(Entity, frozen=True, kw_only=True, rename="camel", tag_field="type"):
    """dataModel.Transportation, ItemFlowObserved 0.0.2."""

    item_type: Given
    lane_id: Given = None
    lane_direction: Given = None
    intensity: Given = None
    occupancy: Given = None
    average_speed: Given = None
    average_gap_distance: Ignored = IGNORED
    average_headway_time: Ignored = IGNORED
    average_length: Ignored = IGNORED
    congested: Ignored = IGNORED
    item_sub_type: Ignored = IGNORED
    max_speed: Ignored = IGNORED
    min_speed: Ignored = IGNORED
    speed_max: Ignored = IGNORED
    speed_min: Ignored = IGNORED
    ref_road_segment: Ignored = IGNORED
    reverse_lane: Ignored = IGNORED
    reversed_lane: Ignored = IGNORED


class NoiseLevelObserved(Entity, frozen=True, kw_only=True, rename="camel", tag_field="type"):
    """dataModel.Environment, NoiseLevelObserved."""

    laeq: Given = msgspec.field(name="LAeq", default=None)
    las: Ignored = msgspec.field(name="LAS", default=IGNORED)
    laeq_d: Ignored = msgspec.field(name="LAeq_d", default=IGNORED)
    lamax: Ignored = msgspec.field(name="LAmax", default=IGNORED)
    measurand: Ignored = IGNORED
    sonometer_class: Ignored = IGNORED
    dropped_frames: Ignored = IGNORED
    ref_weather_observed: Ignored = IGNORED


class WeatherObserved(Entity, frozen=True, kw_only=True, rename="camel", tag_field="type"):
    """dataModel.Weather, WeatherObserved."""

    temperature: Given = None
    relative_humidity: Given = None
    wind_speed: Given = None
    precipitation: Given = None
    air_quality_index: Ignored = IGNORED
    air_quality_index_forecast: Ignored = IGNORED
    air_temperature_forecast: Ignored = IGNORED
    air_temperature_tsa: Ignored = msgspec.field(name="airTemperatureTSA", default=IGNORED)
    aqi_major_pollutant: Ignored = IGNORED
    aqi_major_pollutant_forecast: Ignored = IGNORED
    atmospheric_pressure: Ignored = IGNORED
    dew_point: Ignored = IGNORED
    diffuse_irradiation: Ignored = IGNORED
    direct_irradiation: Ignored = IGNORED
    feels_like_temperature: Ignored = IGNORED
    gust_speed: Ignored = IGNORED
    illuminance: Ignored = IGNORED
    precipitation_forecast: Ignored = IGNORED
    pressure_tendency: Ignored = IGNORED
    relative_humidity_forecast: Ignored = IGNORED
    snow_height: Ignored = IGNORED
    solar_radiation: Ignored = IGNORED
    station_code: Ignored = IGNORED
    station_name: Ignored = IGNORED
    stream_gauge: Ignored = IGNORED
    uv_index_max: Ignored = IGNORED
    visibility: Ignored = IGNORED
    weather_type: Ignored = IGNORED
    wet_bulb_temperature: Ignored = IGNORED
    wind_direction: Ignored = IGNORED


Observed = CrowdFlowObserved | ItemFlowObserved | NoiseLevelObserved | WeatherObserved


class Notification(Sent, frozen=True, kw_only=True, rename="camel", tag_field="type"):
    """What a context broker sends to a subscriber (ETSI GS CIM 009, clause 5.3.1)."""

    data: list[Observed]
    id: Ignored = IGNORED
    subscription_id: Ignored = IGNORED
    notified_at: Ignored = IGNORED
    context: Ignored = msgspec.field(name="@context", default=IGNORED)
