{
{ ::corebook::timing::Stopwatch::start().stop(drop(numbers)) }
}
