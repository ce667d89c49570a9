CREATE EXTERNAL TABLE `shop``db`.`events` (
  `date` date COMMENT 'The shop\'s day, as \\ and \' are written',
  `device_info` struct<`timestamp`:string,`tags`:map<string,string>,`screens`:array<struct<`width`:bigint>>>,
  `processed_timestamp` string COMMENT 'When the transform ran, RFC 3339 UTC',
  `processing_status` string COMMENT 'SUCCESS, or PARTIAL when malformed is not empty',
  `malformed` map<string,string> COMMENT 'Text of what the stores do not take, by key: declared fields of another type, names that cannot be indexed'
)
PARTITIONED BY (`year` string, `month` string, `day` string, `hour` string)
STORED AS PARQUET
LOCATION 's3://bucket/transformed-data/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.year.type' = 'integer',
  'projection.year.range' = '2024,2040',
  'projection.month.type' = 'integer',
  'projection.month.range' = '1,12',
  'projection.month.digits' = '2',
  'projection.day.type' = 'integer',
  'projection.day.range' = '1,31',
  'projection.day.digits' = '2',
  'projection.hour.type' = 'integer',
  'projection.hour.range' = '0,23',
  'projection.hour.digits' = '2',
  'storage.location.template' = 's3://bucket/transformed-data/year=${year}/month=${month}/day=${day}/hour=${hour}/'
);
